// Who may do what, by the roles and bindings that are stored: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
import { isRecord, textAt, type Json, type KubeObject } from './object.ts';
import { toObject } from './record.ts';
import { idOf, rbacTypes, type ResourceType } from './resources.ts';
import type { Storage } from './storage.ts';
import type { Change } from './stored.ts';

/** What is asked for: a thing of the API, or a path. */
export type Attributes =
  | {
      readonly kind: 'resource';
      /** '' for the whole cluster. */
      readonly namespace: string;
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly name: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

export interface RightsQuestion {
  readonly user: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
}

export interface Rights {
  /** By whom it is allowed; undefined when by nobody. */
  grantOf(question: RightsQuestion): string | undefined;
}

/** A binding as it is looked up: by each of its subjects. */
interface Grant {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  /** '' for the whole cluster. */
  readonly namespace: string;
  readonly role: string;
  readonly roleKind: string;
  readonly roleName: string;
  readonly subjects: readonly string[];
}

const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
const records = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);

/** Follows the storage, so that a question costs what its own subject was granted. */
export function createRights(storage: Storage): Rights {
  const roles = new Map<string, readonly Json[]>();
  const grants = new Map<string, Map<string, Grant>>();
  const byId = new Map(rbacTypes.map((type) => [idOf(type), type]));

  const forget = ({ key, subjects }: Grant) => {
    for (const subject of subjects) {
      const held = grants.get(subject);
      held?.delete(key);
      if (held?.size === 0) grants.delete(subject);
    }
  };
  const remember = (grant: Grant) => {
    for (const subject of grant.subjects)
      grants.set(subject, (grants.get(subject) ?? new Map<string, Grant>()).set(grant.key, grant));
  };
  const follow = (type: ResourceType, { type: what, before, after }: Change) => {
    const isRole = type.kind === 'Role' || type.kind === 'ClusterRole';
    if (isRole) {
      const key = roleKey(type.kind, after.namespace, after.name);
      if (what === 'DELETED') roles.delete(key);
      else roles.set(key, records(toObject(type, after)['rules']));
      return;
    }
    if (before) forget(grantIn(type, toObject(type, before)));
    if (what !== 'DELETED') remember(grantIn(type, toObject(type, after)));
  };
  storage.onChange((id, change) => {
    const type = byId.get(id);
    if (type) follow(type, change);
  });

  return {
    grantOf: ({ user, groups, attributes }) => {
      if (groups.includes('system:masters')) return 'system:masters';
      const subjects = [`User ${user}`, ...groups.map((group) => `Group ${group}`)];
      const held = subjects.flatMap((subject) => [...(grants.get(subject)?.values() ?? [])]);
      const grant = held.find(
        ({ namespace, role }) =>
          reaches(namespace, attributes) && (roles.get(role) ?? []).some((rule) => covers(rule, attributes)),
      );
      return (
        grant && `RBAC: allowed by ${grant.kind} "${grant.name}" of ${grant.roleKind} "${grant.roleName}"`
      );
    },
  };
}

const roleKey = (kind: string, namespace: string, name: string): string =>
  kind === 'Role' ? `${namespace}/${name}` : name;

function grantIn({ kind }: ResourceType, binding: KubeObject): Grant {
  const { name = '', namespace = '' } = binding.metadata;
  const roleKind = textAt(binding, 'roleRef', 'kind');
  const roleName = textAt(binding, 'roleRef', 'name');
  return {
    key: `${namespace}/${name}`,
    kind,
    name,
    namespace,
    roleKind,
    roleName,
    role: roleKey(roleKind, namespace, roleName),
    subjects: records(binding['subjects']).map((subject) => subjectIn(subject, namespace)),
  };
}

/** A ServiceAccount is a user. */
function subjectIn(subject: Json, home: string): string {
  const [kind, name] = [textAt(subject, 'kind'), textAt(subject, 'name')];
  const namespace = textAt(subject, 'namespace') || home;
  return kind === 'ServiceAccount' ? `User system:serviceaccount:${namespace}:${name}` : `${kind} ${name}`;
}

/** What is granted in a namespace counts for questions about this namespace. */
function reaches(namespace: string, attributes: Attributes): boolean {
  return namespace === '' || (attributes.kind === 'resource' && attributes.namespace === namespace);
}

const has = (list: unknown, ...wanted: readonly string[]): boolean => {
  const found = strings(list);
  return wanted.some((item) => found.includes(item));
};

function covers(rule: Json, attributes: Attributes): boolean {
  if (!has(rule['verbs'], '*', attributes.verb)) return false;
  if (attributes.kind === 'path')
    return strings(rule['nonResourceURLs']).some((url) => fits(url, attributes.path));
  const { group, resource, subresource, name } = attributes;
  const resources =
    subresource === '' ? ['*', resource] : ['*', `${resource}/${subresource}`, `*/${subresource}`];
  const names = strings(rule['resourceNames']);
  return (
    has(rule['apiGroups'], '*', group) &&
    has(rule['resources'], ...resources) &&
    (names.length === 0 || names.includes(name))
  );
}

const fits = (url: string, path: string): boolean =>
  url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path;
