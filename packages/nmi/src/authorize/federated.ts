import type { FederatedIdentity } from '../tokens/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { AuthorizeRules, Candidate } from './types.ts';

/** Of an AzureIdentity. */
export const needsBroker =
  'is of type 3 (federated), which needs the broker: a cluster administrator can install it (NMI flag --broker)';

/** The federated identity of an AzureIdentity, for this pod; a text says why it cannot be served. */
export function federatedOf(
  { identity, name, clientId }: Candidate,
  pod: PodView,
  { hasBroker }: AuthorizeRules,
): FederatedIdentity | string {
  if (hasBroker !== true) return `it ${needsBroker}`;
  const tenantId = (identity.spec.tenantID ?? '').toLowerCase();
  return {
    kind: 'federated',
    name,
    clientId,
    tenantId,
    pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
  };
}
