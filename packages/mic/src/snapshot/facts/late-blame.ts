// What updates that failed late say of the namespaces that they were for: see plan/late-turn.ts. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import { foldBlame, foldRejections } from './attempts.ts';
import type { HostFacts } from './facts.ts';
import { failedLate, type HostChange, type HostFailure, type HostUpdate } from './outcomes.ts';
import { isClean, withBlame } from './strikes.ts';

/** How long the host is left alone; its own pauses do not grow. */
export const theirPauseMs = 5_000;

/** An update went through without what one namespace asked for, after others had failed with it. */
export function foldSuspicion(facts: HostFacts, { change, outcome }: HostUpdate, now: number): HostFacts {
  const { suspect } = change;
  const hasPassed = outcome.patches > 0 && outcome.rejected.length === 0 && facts.failed !== true;
  if (suspect === undefined || !hasPassed) return facts;
  const blame = { namespace: suspect, refusals: 1, wasAccepted: true };
  return { ...facts, strikes: withBlame(facts.strikes, blame, now) };
}

/**
 * Whether the update failed late, and was for namespaces alone that updates have failed over before: that says something of
 * them and nothing of the host.
 */
export function isTheirsAlone({ strikes }: HostFacts, change: HostChange, failure: HostFailure): boolean {
  const namespaces = [...(change.namespaces?.values() ?? [])];
  return failedLate(failure) && namespaces.length > 0 && namespaces.every((one) => !isClean(strikes, one));
}

/** Their ids wait as if Azure had named them. */
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
