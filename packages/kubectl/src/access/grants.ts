// What ClusterRoles and ClusterRoleBindings say about rights on Azure identities, for users who may not ask the API server about others'
// rights. Other authorizers of the API server are not seen.
import { accessGroup, accessVerb, type AccessResource, type AccessTarget } from '@pod-identity/crd-types';
import { subjectOf, type AccessReviewer, type ReviewSubject } from '@pod-identity/kit/kube';
import { listAt, nameOf, textAt, textsAt } from '../cluster/fields.ts';
import type { ClusterRoles } from '../../../mic/src/commands/plug-in.ts';

/** Whom a ClusterRoleBinding names. */
export interface Holder {
  readonly kind: string;
  /** Of a ServiceAccount. */
  readonly namespace?: string;
  readonly name: string;
}

/** One subject of one ClusterRoleBinding whose role has rights on Azure identities. */
export interface Grant {
  readonly holder: Holder;
  readonly role: string;
  readonly binding: string;
  readonly rules: readonly Rule[];
}

interface Rule {
  readonly resources: readonly string[];
  /** Empty: all of them. */
  readonly names: readonly string[];
}

export function grantsIn({ roles, bindings }: ClusterRoles): readonly Grant[] {
  const rulesOf = new Map(roles.map((role) => [nameOf(role).name, usesIn(role)]));
  return bindings.flatMap((object) => {
    const role = textAt(object, 'roleRef.name');
    const rules = rulesOf.get(role) ?? [];
    if (rules.length === 0) return [];
    const binding = nameOf(object).name;
    return listAt(object, 'subjects').map((subject) => ({ holder: holderOf(subject), role, binding, rules }));
  });
}

/** A grant of the use of one target. */
export interface TargetGrant extends Omit<Grant, 'rules'> {
  /** The name that the role has; '*': all names. */
  readonly on: string;
}

/** By what each subject may use the target; the narrowest right of each grant. */
export function grantsOf(
  grants: readonly Grant[],
  { resource, names }: AccessTarget,
): readonly TargetGrant[] {
  return grants.flatMap(({ rules, ...grant }) => {
    const of = rules.filter(({ resources }) => covers(resources, resource));
    const on = names.find((name) => of.some((rule) => rule.names.includes(name)));
    if (on !== undefined) return [{ ...grant, on }];
    return of.some((rule) => rule.names.length === 0) ? [{ ...grant, on: '*' }] : [];
  });
}

/** Decides as RBAC does by these grants. */
export function createGrantReviewer(grants: readonly Grant[]): AccessReviewer {
  return {
    review: ({ subject, resource, name }) => {
      const own = grants.filter(({ holder }) => isOf(holder, subject));
      const target = { resource: resource as AccessResource, names: [name] } as const;
      return Promise.resolve(grantsOf(own, target).length > 0);
    },
  };
}

/** `Group system:masters`, `ServiceAccount shop/web`. */
export function describeHolder({ kind, namespace, name }: Holder): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function usesIn(role: unknown): readonly Rule[] {
  return listAt(role, 'rules')
    .filter(
      (rule) => covers(textsAt(rule, 'apiGroups'), accessGroup) && covers(textsAt(rule, 'verbs'), accessVerb),
    )
    .map((rule) => ({ resources: textsAt(rule, 'resources'), names: textsAt(rule, 'resourceNames') }));
}

const covers = (listed: readonly string[], one: string) => listed.includes(one) || listed.includes('*');

function holderOf(subject: unknown): Holder {
  const [kind, name] = [textAt(subject, 'kind'), textAt(subject, 'name')];
  return kind === 'ServiceAccount' ? { kind, name, namespace: textAt(subject, 'namespace') } : { kind, name };
}

/** A ServiceAccount can also be named as the user that it is. */
function isOf({ kind, namespace = '', name }: Holder, { user, groups }: ReviewSubject): boolean {
  if (kind === 'Group') return groups.includes(name);
  return user === (kind === 'ServiceAccount' ? subjectOf(namespace, name).user : name);
}
