// What a remedy for one pod needs of the cluster to be complete.
import type { Lookup } from '@pod-identity/policy';
import type { Skip } from '../plan/types.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';

/** @param namespace Of the pod. */
export function lookUp(namespace: string, skip: Skip | undefined, index: ClusterIndex): Lookup {
  const copies = skip?.unbound?.why === 'other-namespace' ? copiesInto(namespace, skip, index) : undefined;
  return { selectors: index.objects.selectorsIn(namespace), copies };
}

/** Not of a service principal: its Secret is in the other namespace, too. */
function copiesInto(namespace: string, skip: Skip, index: ClusterIndex): Lookup['copies'] {
  const identity = index.objects.validIdentity(skip.identity ?? '');
  const binding = index.objects.binding(skip.binding ?? '');
  if (!identity || binding?.kind !== 'valid') return undefined;
  const { type, resourceID, clientID, tenantID } = identity.spec;
  if (type === 1 || type === 2) return undefined;
  return [
    {
      apiVersion: identity.apiVersion,
      kind: identity.kind,
      metadata: { name: identity.metadata.name, namespace },
      spec: { type, resourceID, clientID, tenantID },
    },
    {
      apiVersion: binding.binding.apiVersion,
      kind: binding.binding.kind,
      metadata: { name: binding.binding.metadata.name, namespace },
      spec: binding.binding.spec,
    },
  ];
}
