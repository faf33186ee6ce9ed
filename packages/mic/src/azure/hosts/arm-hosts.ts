// Room: the identities of VMs and scale sets: read, attach, detach, and what was refused for each identity.
// It must not decide what should be attached.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import { RecentMap } from '@pod-identity/kit/core';
import type { HostIdentities } from '../../apply/host-identities.ts';
import type { HostChange, HostFailure, ReadOutcome } from '../../snapshot/facts/outcomes.ts';
import type { HostCalls } from './host-calls.ts';
import { deadOf, stepsToChange, type IdentityStep } from './identity-patch.ts';
import { nextBatch, startSearch, withRemovals, type Search } from './isolate.ts';
import { inMotion, presenceOf, refusalOf } from './refusals.ts';
import { prepareRenewals, renewEntries, type StepRunner } from './renewal.ts';
import { startSession, type Session } from './session.ts';
import { finish, sendBatch, type Next } from './update-session.ts';

/** Implements HostIdentities over ARM. One update of a host at a time; different hosts in parallel. */
export function createArmHosts(calls: HostCalls): HostIdentities {
  // An update that the throttle interrupted continues where it stopped: otherwise a low bucket could starve it forever.
  const suspects = new IdsByHost();
  const blockers = new IdsByHost();

  /** Sends the steps in as few PATCHes as possible. Returns the failure that stopped it; undefined if each step is done or rejected. */
  const runner: StepRunner = {
    async carryOut(session, wanted) {
      const { id } = session.host;
      const steps = wanted.length === 0 ? wanted : withRemovals(wanted, blockersIn(session));
      let search = resume(steps, wanted, suspects.of(id));
      for (let batch = nextBatch(search); batch.length > 0; batch = nextBatch(search)) {
        const next = await sendBatch(calls, session, { search, batch });
        if (next.refusal !== undefined) {
          suspects.settle(id, steps, [...suspectsLeft(next), ...session.leftBehind]);
          return next.refusal;
        }
        search = next.search;
      }
      suspects.settle(id, steps, session.leftBehind);
      return undefined;
    },
  };

  /** The change, then renewals. Blocking entries found before are removed with the first PATCH. */
  const changeFrom = async (session: Session, change: HostChange): Promise<HostFailure | undefined> => {
    // A host that is being updated is retried later, also if it lists all: what is listed may not be usable yet.
    const motion = inMotion(session.state);
    if (motion !== undefined) return motion;
    const steps = stepsToChange(session.state, change);
    if (steps.length + deadOf(session.state, change.renew).length === 0) return undefined;
    const { id } = session.host;
    const known = deadOf(session.state, [...blockers.of(id)]).filter((one) => !isStep(steps, one));
    const refusal =
      (await prepareRenewals(calls, session, { ids: known, isInTheWay: true })) ??
      (await runner.carryOut(session, steps)) ??
      (await renewEntries(calls, session, { ids: change.renew, runner }));
    blockers.keep(id, refusal === undefined ? [] : blockersIn(session));
    return refusal;
  };

  return {
    read: (host, signal) => readHost(calls, host, signal),
    async update(host, change, context) {
      const reading = await calls.read(host, context.signal);
      if (!reading.ok) return { rejected: [], refusal: refusalOf(reading.failure), patches: 0 };
      const session = startSession(host, context, reading.value);
      return finish(calls, session, await changeFrom(session, change));
    },
  };
}

/** The suspects with which an interrupted update continues. */
function suspectsLeft({ refusal, search }: Next): readonly ResourceId[] {
  return refusal?.kind === 'gone' ? [] : search.suspects.map((step) => step.id);
}

async function readHost(calls: HostCalls, host: Host, signal: AbortSignal): Promise<ReadOutcome> {
  const response = await calls.read(host, signal);
  if (!response.ok) return refusalOf(response.failure);
  const { provisioningState } = response.value;
  return {
    kind: 'read',
    ...presenceOf(response.value),
    ...(provisioningState !== undefined && { provisioningState }),
  };
}

function isStep(steps: readonly IdentityStep[], id: ResourceId): boolean {
  return steps.some((step) => step.id === id);
}

/** Blocking entries that are still on the host. */
function blockersIn({ state, inTheWay, rejected }: Session): readonly ResourceId[] {
  return deadOf(state, [...inTheWay]).filter((id) => !rejected.has(id));
}

/** Continues an interrupted search, if any. Blocking entries are in its first half, because no other half passes before. */
function resume(
  steps: readonly IdentityStep[],
  wanted: readonly IdentityStep[],
  suspected: ReadonlySet<ResourceId>,
): Search {
  if (!wanted.some(({ id }) => suspected.has(id))) return startSearch(steps);
  const removals = steps.filter((step) => !wanted.includes(step));
  return startSearch(steps, new Set([...suspected, ...removals.map(({ id }) => id)]));
}

/** Limit, since users can write any number of ids. */
const mostIds = 1000;
/** The most recently changed hosts; AKS allows as many in a cluster. */
const mostHosts = 5000;

const none: ReadonlySet<ResourceId> = new Set();

/** Results of interrupted updates about ids, by host. */
class IdsByHost {
  readonly #byHost = new RecentMap<ResourceId, ReadonlySet<ResourceId>>(mostHosts);

  of(host: ResourceId): ReadonlySet<ResourceId> {
    return this.#byHost.get(host) ?? none;
  }

  keep(host: ResourceId, ids: Iterable<ResourceId>): void {
    const kept = new Set(ids);
    if (kept.size > 0 && kept.size <= mostIds) this.#byHost.set(host, kept);
    else this.#byHost.delete(host);
  }

  /** After a search among the steps has ended or was interrupted: it continues among `left`. */
  settle(host: ResourceId, steps: readonly IdentityStep[], left: Iterable<ResourceId>): void {
    const others = [...this.of(host)].filter((id) => !isStep(steps, id));
    this.keep(host, [...others, ...left]);
  }
}
