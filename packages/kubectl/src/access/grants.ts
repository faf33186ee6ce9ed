// Whom ClusterRoles and ClusterRoleBindings give rights on Azure identities. Other authorizers of the API server are not seen.
import { accessGroup, accessVerb, type AccessTarget } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { listAt, nameOf, textAt, textsAt } from '../cluster/fields.ts';
import { itemsOf, listAllowed, type ClusterReader } from '../cluster/lists.ts';

/** Whom a ClusterRoleBinding names. Fields of the JSON. */
export interface Holder {
  readonly kind: string;
  /** Of a ServiceAccount. */
  readonly namespace?: string;
  readonly name: string;
  /** The name that the role has, the narrowest one; '*': all identities. */
  readonly on: string;
  readonly clusterRole: string;
  readonly clusterRoleBinding: string;
}

export interface ClusterRoles {
  readonly roles: readonly unknown[];
  readonly bindings: readonly unknown[];
}

/** Undefined: they may not be read. */
export async function readClusterRoles(reading: ClusterReader): Promise<ClusterRoles | undefined> {
  const [roles, bindings] = await Promise.all(
    [clusterKinds.clusterRoles, clusterKinds.clusterRoleBindings].map((kind) =>
      listAllowed({ ...reading, kind, trim: (object: unknown) => object }),
    ),
  );
  if (roles?.kind !== 'read' || bindings?.kind !== 'read') return undefined;
  return { roles: itemsOf(roles), bindings: itemsOf(bindings) };
}

export function holdersOf({ roles, bindings }: ClusterRoles, target: AccessTarget): readonly Holder[] {
  const names = new Map(roles.map((role) => [nameOf(role).name, nameIn(role, target)]));
  return bindings.flatMap((binding) => {
    const clusterRole = textAt(binding, 'roleRef.name');
    const on = names.get(clusterRole);
    if (on === undefined) return [];
    return listAt(binding, 'subjects').map((subject) => {
      const [kind, name] = [textAt(subject, 'kind'), textAt(subject, 'name')];
      const home = kind === 'ServiceAccount' && { namespace: textAt(subject, 'namespace') };
      return { kind, name, ...home, on, clusterRole, clusterRoleBinding: nameOf(binding).name };
    });
  });
}

/** `Group system:masters`, `ServiceAccount shop/web`. */
export const describeHolder = ({ kind, namespace, name }: Pick<Holder, 'kind' | 'namespace' | 'name'>) =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

/** By which name the role lets the target be used; undefined: it does not. */
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
