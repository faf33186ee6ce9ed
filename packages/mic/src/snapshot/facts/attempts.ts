// What attempts to attach leave behind in what is known of a host: who was refused, and what was accepted. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts, Quarantine } from './facts.ts';
import type { HostChange, Rejection, UpdateOutcome } from './outcomes.ts';
import { quarantineMs } from './pauses.ts';
import { withBlame } from './strikes.ts';

/** Older ones are forgotten: they go back to what the standing of their namespace gives them. */
const mostAccepted = 200;

/** The same for refusals: what was refused long ago may be tried again soonest. */
const mostQuarantined = 300;

/** So that the record stays far below what a ConfigMap may hold, whatever ids people write: see `latestOf`. */
const longestMessage = 600;

interface Attempt {
  readonly change: Pick<HostChange, 'namespaces'>;
  readonly outcome: Pick<UpdateOutcome, 'blamed'>;
}

/** What was MIC's own, served its pods and is gone had been accepted: it may come back before what was never seen here. */
export function foldLeft(facts: HostFacts, ours: HostFacts['ours'], now: number): HostFacts['accepted'] {
  const hasServed = (id: ResourceId) => facts.ours.get(id)?.confirmed === true && !facts.unapplied.has(id);
  const left = [...facts.ours].filter(([id]) => hasServed(id) && !ours.has(id));
  if (left.length === 0) return facts.accepted;
  const known = new Map(facts.accepted);
  for (const [id] of left) known.delete(id);
  const all = [...known, ...left.map(([id]): [ResourceId, number] => [id, now])];
  return new Map(all.slice(-mostAccepted));
}

/** A refused PATCH is charged to the namespace that it was refused for. */
export function foldBlame(facts: HostFacts, { change, outcome }: Attempt, now: number): HostFacts {
  let { strikes } = facts;
  for (const [namespace, refusals] of outcome.blamed ?? []) {
    const tried = [...(change.namespaces ?? [])].filter(([, answers]) => answers === namespace);
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
