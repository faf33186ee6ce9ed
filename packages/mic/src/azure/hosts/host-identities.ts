import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostChange, HostIdentities, HostRefusal, ReadOutcome } from '../../apply/host-identities.ts';
import type { HostCalls } from './host-calls.ts';
import { deadOf, stepsToChange, type IdentityStep } from './identity-patch.ts';
import { nextBatch, startSearch } from './isolate.ts';
import { inMotion, presenceOf, refusalOf } from './refusals.ts';
import { renewEntries, type CarryOut } from './renewal.ts';
import { startSession, type Session } from './session.ts';
import { finish, sendBatch } from './update-session.ts';

/** The HostIdentities port over ARM. One update of a host at a time; different hosts don't wait for each other. */
export function createHostIdentities(calls: HostCalls): HostIdentities {
  // A search that the throttle cut short goes on where it stood: otherwise a low bucket could starve it for ever.
  const suspects = new Suspects();

  /** Sends the steps in as few PATCHes as will do. Answers what stopped it: nothing, when each step is done or rejected. */
  const carryOut: CarryOut = async (session, steps) => {
    const { id } = session.host;
    let search = startSearch(steps, suspects.of(id));
    for (let batch = nextBatch(search); batch.length > 0; batch = nextBatch(search)) {
      const next = await sendBatch(calls, session, { search, batch });
      if (next.refusal !== undefined) {
        const open = next.refusal.kind === 'gone' ? [] : next.search.suspects.map((step) => step.id);
        suspects.settle(id, steps, [...open, ...session.leftBehind]);
        return next.refusal;
      }
      search = next.search;
    }
    suspects.settle(id, steps, session.leftBehind);
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

/** Searches among more ids than that begin anew: it is others who write them. */
const mostSuspected = 1000;

/** By host, ids among which a bad one is. */
class Suspects {
  readonly #byHost = new Map<ResourceId, ReadonlySet<ResourceId>>();

  of(host: ResourceId): ReadonlySet<ResourceId> | undefined {
    return this.#byHost.get(host);
  }

  /** The search among the steps has ended or was cut short: it goes on among `left`. */
  settle(host: ResourceId, steps: readonly IdentityStep[], left: Iterable<ResourceId>): void {
    const all = new Set(this.of(host));
    for (const { id } of steps) all.delete(id);
    for (const id of left) all.add(id);
    if (all.size > 0 && all.size <= mostSuspected) this.#byHost.set(host, all);
    else this.#byHost.delete(host);
  }
}
