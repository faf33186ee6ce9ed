// Whom ClusterRoles and ClusterRoleBindings give rights on Azure identities. Other authorizers of the API server are not seen.
import { accessGroup, accessVerb, type AccessTarget } from '@pod-identity/crd-types';
import { listAt, nameOf, textAt, textsAt } from '../cluster/fields.ts';

/** Fields of the JSON. */
export type Holder = ReturnType<typeof holdersOf>[number];

export function holdersOf(roles: readonly unknown[], bindings: readonly unknown[], target: AccessTarget) {
  const names = new Map(roles.map((role) => [nameOf(role).name, nameIn(role, target)]));
  return bindings.flatMap((binding) => {
    const clusterRole = textAt(binding, 'roleRef.name');
    const on = names.get(clusterRole);
    if (on === undefined) return [];
    return listAt(binding, 'subjects').map((subject) => {
      const [kind, name] = [textAt(subject, 'kind'), textAt(subject, 'name')];
      const home = kind === 'ServiceAccount' ? `${textAt(subject, 'namespace')}/` : '';
      return { holder: `${kind} ${home}${name}`, on, clusterRole, clusterRoleBinding: nameOf(binding).name };
    });
  });
}

/** By which name the role lets the target be used, the narrowest one; '*': all identities; undefined: it does not. */
function nameIn(role: unknown, { resource, names }: AccessTarget): string | undefined {
  const wanted = { apiGroups: accessGroup, verbs: accessVerb, resources: resource };
  const rules = listAt(role, 'rules')
    .filter((rule) =>
      Object.entries(wanted).every(([field, one]) =>
        textsAt(rule, field).some((listed) => listed === one || listed === '*'),
      ),
    )
    .map((rule) => textsAt(rule, 'resourceNames'));
  const on = names.find((name) => rules.some((listed) => listed.includes(name)));
  return on ?? (rules.some((listed) => listed.length === 0) ? '*' : undefined);
}
