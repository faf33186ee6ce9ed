// The holders of rights to all Azure identities by wildcards. Such rights are seldom meant for identities.
import { accessGroup, accessVerb, type AccessResource } from '@pod-identity/crd-types';
import { listAt, memberOf, stringAt } from '../snapshot/raw-object.ts';

const resources: readonly AccessResource[] = [
  'managedidentities',
  'applications',
  'federatedidentities',
  'machines',
];

/**
 * One line for each holder: `Group system:masters by ClusterRole cluster-admin (ClusterRoleBinding cluster-admin)`, sorted. Takes lists
 * of ClusterRoles and ClusterRoleBindings of the API server.
 */
export function wildcardHolders(roles: readonly unknown[], bindings: readonly unknown[]): readonly string[] {
  const wide = new Set(roles.filter(isWide).map(nameOf));
  const lines = bindings
    .filter((binding) => stringAt(memberOf(binding, 'roleRef'), 'kind') === 'ClusterRole')
    .flatMap((binding) => {
      const role = stringAt(memberOf(binding, 'roleRef'), 'name');
      if (!wide.has(role)) return [];
      const how = `by ClusterRole ${role} (ClusterRoleBinding ${nameOf(binding)})`;
      return listAt(binding, 'subjects').map((subject) => `${describe(subject)} ${how}`);
    });
  return [...new Set(lines)].sort();
}

function isWide(role: unknown): boolean {
  return listAt(role, 'rules').some(
    (rule) =>
      listAt(rule, 'resourceNames').length === 0 &&
      has(rule, 'apiGroups', [accessGroup]) &&
      has(rule, 'resources', resources) &&
      has(rule, 'verbs', [accessVerb]),
  );
}

function has(rule: unknown, key: string, any: readonly string[]): boolean {
  return listAt(rule, key).some((item) => item === '*' || any.some((one) => one === item));
}

function describe(subject: unknown): string {
  const [kind, name, namespace] = ['kind', 'name', 'namespace'].map((key) => stringAt(subject, key));
  return `${kind ?? ''} ${namespace === '' ? '' : `${namespace ?? ''}/`}${name ?? ''}`;
}

function nameOf(object: unknown): string {
  return stringAt(memberOf(object, 'metadata'), 'name');
}
