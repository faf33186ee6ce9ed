// Whom the result of an update of a host concerns: who is notified of a refusal, and whose AzureAssignedIdentity is now wrong.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isCarried } from '../snapshot/facts/host-facts.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AssignedView, PodKey, PodView } from '../snapshot/views.ts';
import { saysAssigned } from './diff.ts';

/** Pods whose AzureAssignedIdentities were written before Azure refused, and the AzureIdentities of the refused ids. */
export interface Affected {
  readonly pods: readonly { readonly pod: PodView; readonly resourceId: ResourceId }[];
  readonly identities: readonly AffectedIdentity[];
}

interface AffectedIdentity {
  readonly resourceId: ResourceId;
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}

/** Whom to notify that a host refused identities: their AzureIdentities, and the pods whose objects already wait. */
export function affectedBy(index: ClusterIndex, host: ResourceId, ids: ReadonlySet<ResourceId>): Affected {
  // Several AzureIdentities can name the same resource: only those that pods use on this host are notified.
  const users = index.concernedBy(host);
  const identities = [...ids].flatMap((resourceId) =>
    [...index.objects.identitiesFor(resourceId).intersection(users)].flatMap((key) => {
      const view = index.objects.identity(key);
      if (view?.kind !== 'valid') return [];
      const { namespace = '', name, uid } = view.identity.metadata;
      return [{ resourceId, namespace, name, ...(uid === undefined ? {} : { uid }) }];
    }),
  );
  const pods = [...index.waitingOn(host)].flatMap((key) => {
    const pod = index.pod(key);
    const refused = index
      .assignedOf(key)
      .find(({ resourceId }) => resourceId !== undefined && ids.has(resourceId));
    return pod && refused?.resourceId ? [{ pod, resourceId: refused.resourceId }] : [];
  });
  return { identities, pods };
}

/** Pods with an Assigned object for an identity that the host lacks. Pods with other objects are planned again whenever the host changes. */
export function podsMisled(index: ClusterIndex, host: ResourceId, facts: HostFacts): readonly PodKey[] {
  const lacking = new Set([...index.need(host).keys()].filter((id) => !isCarried(facts, id)));
  if (facts.present === undefined || lacking.size === 0) return [];
  const misleads = (view: AssignedView) =>
    view.resourceId !== undefined && lacking.has(view.resourceId) && saysAssigned(view);
  return [...index.podKeysOn(host)].filter((key) => index.assignedOf(key).some(misleads));
}
