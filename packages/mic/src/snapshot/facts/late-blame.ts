// What updates that failed late say of the namespaces that they were for: see plan/late-turn.ts. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import { foldBlame, foldRejections } from './attempts.ts';
import type { HostFacts } from './facts.ts';
import { isClean, withBlame } from './strikes.ts';

interface Change {
  readonly attach: readonly ResourceId[];
  readonly again?: readonly ResourceId[];
  readonly suspect?: string;
  readonly namespaces?: ReadonlyMap<ResourceId, string>;
}

interface Passed {
  readonly change: Change;
  readonly outcome: { readonly patches: number; readonly rejected: readonly unknown[] };
}

interface Failed {
  readonly change: Change;
  readonly refusal: { readonly message?: string };
}

/** The host is left alone for a moment only, and its own row of failures does not grow. */
const theirPauseMs = 5_000;

/** An update went through without what one namespace asked for, after others had failed with it. */
export function foldSuspicion(facts: HostFacts, { change, outcome }: Passed, now: number): HostFacts {
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
export function isTheirsAlone(
  { strikes }: HostFacts,
  change: Change,
  { late }: { readonly late?: true },
): boolean {
  const namespaces = [...(change.namespaces?.values() ?? [])];
  return late === true && namespaces.length > 0 && namespaces.every((one) => !isClean(strikes, one));
}

/** Their ids wait as if Azure had named them. */
export function foldTheirs(
  facts: HostFacts,
  { change, refusal }: Failed,
  at: { readonly now: number; readonly chance: number },
): HostFacts {
  const { message = '' } = refusal;
  const ids: readonly ResourceId[] = [...change.attach, ...(change.again ?? [])];
  const rejected = ids.map((id) => ({ id, code: 'Unknown', message }) as const);
  const blamed = new Map(Array.from(change.namespaces?.values() ?? [], (namespace) => [namespace, 1]));
  return foldBlame(foldRejections(facts, rejected, at), { change, outcome: { blamed } }, at.now);
}

export function ofTheirs({ message = '' }: Failed['refusal']) {
  return { kind: 'failed', retryAfterMs: theirPauseMs, message } as const;
}
