import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostChange, HostIdentities, HostRefusal, ReadOutcome } from '../apply/host-identities.ts';
import type { HostCalls } from './host-calls.ts';
import { deadOf, stepsToChange } from './identity-patch.ts';
import { nextBatch, startSearch, type Search } from './isolate.ts';
import { inMotion, presenceOf, refusalOf } from './refusals.ts';
import { renewEntries, type CarryOut } from './renewal.ts';
import { startSession, type Session } from './session.ts';
import { finish, sendBatch } from './update-session.ts';

/** The HostIdentities port over ARM. One update of a host at a time; different hosts don't wait for each other. */
export function createHostIdentities(calls: HostCalls): HostIdentities {
  // A search that the throttle cut short goes on where it stood: otherwise a low bucket could starve it for ever.
  const suspected = new Map<ResourceId, ReadonlySet<ResourceId>>();

  /** Sends the steps in as few PATCHes as will do. Answers what stopped it: nothing, when each step is done or rejected. */
  const carryOut: CarryOut = async (session, steps) => {
    const { id } = session.host;
    let search = startSearch(steps, suspected.get(id));
    for (let batch = nextBatch(search); batch.length > 0; batch = nextBatch(search)) {
      const next = await sendBatch(calls, session, { search, batch });
      if (next.refusal !== undefined) {
        remember(suspected, session.host, { search: next.search, refusal: next.refusal });
        return next.refusal;
      }
      search = next.search;
    }
    suspected.delete(id);
    return undefined;
  };

  /** The change, then what is renewed. A host in motion is waited for, not fought. */
  const changeFrom = async (session: Session, change: HostChange): Promise<HostRefusal | undefined> => {
    const steps = stepsToChange(session.state, change);
    if (steps.length + deadOf(session.state, change.renew).length === 0) return undefined;
    return (
      inMotion(session.state) ??
      (await carryOut(session, steps)) ??
      (await renewEntries(calls, session, { ids: change.renew, carryOut }))
    );
  };

  return {
    read: (host, signal) => readHost(calls, host, signal),
    async update(host, change, context) {
      calls.restore(host, context.spentUntil ?? 0);
      const reading = await calls.read(host, context.signal);
      if (!reading.ok) return { rejected: [], refusal: refusalOf(reading.failure), patches: 0 };
      const session = startSession(host, context, reading.value);
      return finish(calls, session, await changeFrom(session, change));
    },
  };
}

async function readHost(calls: HostCalls, host: Host, signal: AbortSignal): Promise<ReadOutcome> {
  const answer = await calls.read(host, signal);
  if (!answer.ok) return refusalOf(answer.failure);
  const { systemAssigned, provisioningState } = answer.value;
  return {
    kind: 'read',
    ...presenceOf(answer.value),
    systemAssigned,
    ...(provisioningState !== undefined && { provisioningState }),
  };
}

function remember(
  suspected: Map<ResourceId, ReadonlySet<ResourceId>>,
  host: Host,
  stopped: { readonly search: Search; readonly refusal: HostRefusal },
): void {
  if (stopped.refusal.kind === 'gone' || stopped.search.suspects.length === 0) suspected.delete(host.id);
  else suspected.set(host.id, new Set(stopped.search.suspects.map((step) => step.id)));
}
