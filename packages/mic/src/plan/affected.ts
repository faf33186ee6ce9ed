// Whom the result of an update of a host concerns: who is notified of a refusal, and whose AzureAssignedIdentity is now wrong.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isCarried } from '../snapshot/facts/host-facts.ts';
import type { AssignedView, PodKey, PodView } from '../snapshot/views.ts';
import { saysAssigned } from './diff.ts';
import { saysWaiting, type Known } from './records.ts';

/** Pods whose AzureAssignedIdentities were written before Azure refused, and the AzureIdentities of the refused ids. */
export interface Affected {
  readonly pods: readonly { readonly pod: PodView; readonly resourceId: ResourceId }[];
  readonly identities: readonly AffectedIdentity[];
}

interface AffectedIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  readonly resourceId: ResourceId;
}

/** Whom to notify that a host refused identities: their AzureIdentities, and the pods whose objects already wait. */
export function affectedBy(
  { index, records }: Known,
  host: ResourceId,
  ids: ReadonlySet<ResourceId>,
): Affected {
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
  const pods = [...index.podKeysOn(host)].flatMap((key) => {
    const pod = index.pod(key);
    const waits = records
      .of(key)
      .filter(saysWaiting)
      .flatMap(({ resourceId }) => resourceId ?? []);
    const resourceId = waits.find((id) => ids.has(id));
    return pod && resourceId ? [{ pod, resourceId }] : [];
  });
  return { identities, pods };
}

/** Pods with an Assigned object for an identity that the host lacks. Pods with other objects are planned again whenever the host changes. */
export function podsMisled({ index, records }: Known, host: ResourceId, facts: HostFacts): readonly PodKey[] {
  const lacking = new Set([...index.need(host).keys()].filter((id) => !isCarried(facts, id)));
  if (facts.present === undefined || lacking.size === 0) return [];
  const misleads = (view: AssignedView) =>
    view.resourceId !== undefined && lacking.has(view.resourceId) && saysAssigned(view);
  return [...index.podKeysOn(host)].filter((key) => records.of(key).some(misleads));
}
