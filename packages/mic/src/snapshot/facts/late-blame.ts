// Charges updates that failed late to namespaces: see plan/late-turn.ts. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import { foldBlame, foldRejections } from './attempts.ts';
import type { HostFacts } from './facts.ts';
import { failedLate, type HostChange, type HostFailure, type HostUpdate } from './outcomes.ts';
import { isClean, withBlame } from './strikes.ts';

/** Pause of the host after such a failure; its own pauses do not grow. */
export const theirPauseMs = 5_000;

/** An update succeeded without the ids of one namespace, after updates with them had failed: the namespace gets a strike. */
export function foldSuspicion(facts: HostFacts, { change, outcome }: HostUpdate, now: number): HostFacts {
  const { suspect } = change;
  const hasPassed = outcome.patches > 0 && outcome.rejected.length === 0 && facts.failed !== true;
  if (suspect === undefined || !hasPassed) return facts;
  const blame = { namespace: suspect, refusals: 1, wasAccepted: true };
  return { ...facts, strikes: withBlame(facts.strikes, blame, now) };
}

/**
 * Whether the update failed late and contained only namespaces that already have strikes. Then the failure is charged to them and not
 * to the host.
 */
export function isTheirsAlone({ strikes }: HostFacts, change: HostChange, failure: HostFailure): boolean {
  const namespaces = [...(change.namespaces?.values() ?? [])];
  return failedLate(failure) && namespaces.length > 0 && namespaces.every((one) => !isClean(strikes, one));
}

/** Quarantines their ids, as if Azure had named them. */
export function foldTheirs(
  facts: HostFacts,
  { change, message }: { readonly change: HostChange; readonly message: string },
  at: { readonly now: number; readonly chance: number },
): HostFacts {
  const ids: readonly ResourceId[] = [...change.attach, ...(change.again ?? [])];
  const rejected = ids.map((id) => ({ id, code: 'Unknown', message }) as const);
  const blamed = new Map(Array.from(change.namespaces?.values() ?? [], (namespace) => [namespace, 1]));
  return foldBlame(foldRejections(facts, rejected, at), { change, outcome: { blamed } }, at.now);
}
