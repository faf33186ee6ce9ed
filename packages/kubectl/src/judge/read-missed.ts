import { coreKinds } from '@pod-identity/kit/kube';
import { instantOf } from '../../../mic/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import { keyOf, textAt } from '../cluster/fields.ts';
import { readIssuer } from '../cluster/issuer.ts';
import { itemsOf, listAllowed, unknownOf } from '../cluster/lists.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { isFederated, recentMinutes, type Missed } from './credentials.ts';

/** Nothing is read where there is no federated identity. */
export async function readMissed(session: Session, read: ClusterRead): Promise<Missed> {
  const { kube, signal, namespace, clock } = session;
  const isNeeded = itemsOf(read.identities).some(
    ({ view }) => view.kind === 'valid' && isFederated(view.identity),
  );
  if (!isNeeded) return { pods: new Set(), issuer: undefined, unknown: [] };
  const since = clock.now() - recentMinutes * 60_000;
  const events = await listAllowed({
    kube,
    signal,
    namespace,
    kind: coreKinds.events,
    fieldSelector: 'type=Warning,reason=CredentialMissing',
    trim: (event) => (lastOf(event) >= since ? aboutOf(event) : undefined),
  });
  const pods = new Set(itemsOf(events));
  const issuer = pods.size > 0 ? await readIssuer({ kube, signal }) : undefined;
  return { pods, issuer, unknown: unknownOf(events) };
}

const lastOf = (event: unknown) =>
  instantOf(
    ['lastTimestamp', 'eventTime', 'firstTimestamp'].map((key) => textAt(event, key)).find(Boolean) ?? '',
  );
const aboutOf = (event: unknown) =>
  keyOf({ namespace: textAt(event, 'involvedObject.namespace'), name: textAt(event, 'involvedObject.name') });
