// Effects of attempts to attach on the facts of a host: refusals, and ids that were accepted. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts, Quarantine } from './facts.ts';
import type { HostChange, Rejection, UpdateOutcome } from './outcomes.ts';
import { quarantineMs } from './pauses.ts';
import { withBlame } from './strikes.ts';

/** Older ids are removed: the standing of their namespace applies to them again. */
const mostAccepted = 200;

/** The same for refusals. Those with the earliest end are removed first. */
const mostQuarantined = 300;

/** Keeps the record far below the limit of a ConfigMap, whatever ids users write: see `latestOf`. */
const longestMessage = 600;

interface Attempt {
  readonly change: Pick<HostChange, 'namespaces'>;
  readonly outcome: Pick<UpdateOutcome, 'blamed'>;
}

/** Ids of MIC's own that served pods and left the host were accepted before: they may be attached before new ones. */
export function foldLeft(facts: HostFacts, ours: HostFacts['ours'], now: number): HostFacts['accepted'] {
  const hasServed = (id: ResourceId) => facts.ours.get(id)?.confirmed === true && !facts.unapplied.has(id);
  const left = [...facts.ours].filter(([id]) => hasServed(id) && !ours.has(id));
  if (left.length === 0) return facts.accepted;
  const known = new Map(facts.accepted);
  for (const [id] of left) known.delete(id);
  const all = [...known, ...left.map(([id]): [ResourceId, number] => [id, now])];
  return new Map(all.slice(-mostAccepted));
}

/** Charges refused PATCHes to the namespaces that they were for. */
export function foldBlame(facts: HostFacts, { change, outcome }: Attempt, now: number): HostFacts {
  let { strikes } = facts;
  for (const [namespace, refusals] of outcome.blamed ?? []) {
    const tried = [...(change.namespaces ?? [])].filter(([, blamed]) => blamed === namespace);
    const wasAccepted = tried.length > 0 && tried.every(([id]) => facts.accepted.has(id));
    strikes = withBlame(strikes, { namespace, refusals, wasAccepted }, now);
  }
  return strikes === facts.strikes ? facts : { ...facts, strikes };
}

function latestOf(quarantined: HostFacts['quarantined']): HostFacts['quarantined'] {
  if (quarantined.size <= mostQuarantined) return quarantined;
  return new Map([...quarantined].sort(([, a], [, b]) => b.until - a.until).slice(0, mostQuarantined));
}

export function foldRejections(
  facts: HostFacts,
  rejected: readonly Rejection[],
  at: { readonly now: number; readonly chance: number },
): HostFacts {
  if (rejected.length === 0) return facts;
  const quarantined = new Map(facts.quarantined);
  for (const { id, code, message } of rejected) {
    const failures = (quarantined.get(id)?.failures ?? 0) + 1;
    const until = at.now + quarantineMs(failures, at.chance);
    const words = message.slice(0, longestMessage);
    quarantined.set(id, { until, failures, code, message: words } satisfies Quarantine);
  }
  return { ...facts, quarantined: latestOf(quarantined) };
}
