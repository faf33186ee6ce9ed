import type { AccessTarget } from '@pod-identity/crd-types';
import { verdictOfAll } from '@pod-identity/policy';
import type { AccessPair, AccessVerdict } from './types.ts';

/** `targets`: the missing rights. */
export type AccessResult =
  | { readonly verdict: Exclude<AccessVerdict, 'denied' | 'unanswered'> }
  | { readonly verdict: 'unanswered'; readonly why?: 'allows-all' }
  | { readonly verdict: 'denied'; readonly targets: readonly AccessTarget[] };

/** The stored results of a pair. `startedAt` is when the review began; all times are of a monotonic clock. */
export interface Known {
  /** The last result. */
  readonly result?: { readonly isAllowed: boolean; readonly startedAt: number };
  /** The last review, if it failed. */
  readonly failure?: { readonly startedAt: number; readonly endedAt: number };
}

export interface AccessAges {
  /** How long a verdict is valid. */
  readonly maxAgeMs: number;
  /** How long the last positive verdict is valid while reviews fail. */
  readonly graceMs: number;
}

export interface Judgement {
  /** Undefined: the pair must be reviewed first. */
  readonly verdict: AccessVerdict | undefined;
  /** Whether to review again in the background although the verdict is valid. */
  readonly isDue: boolean;
}

/** Pause after a review that failed. */
const retryMs = 1_000;

const mustReview: Judgement = { verdict: undefined, isDue: true };

/**
 * The current verdict. A result is valid for the maximum age. So is a failure to get one, during which the last positive result is
 * used within the grace period. So whenever a right is used, a review of it began within the maximum age.
 */
export function judge(known: Known, now: number, ages: AccessAges): Judgement {
  return byResult(known, now, ages) ?? byFailure(known, now, ages);
}

/** Undefined if the result is too old. */
function byResult({ result, failure }: Known, now: number, ages: AccessAges): Judgement | undefined {
  if (!result) return undefined;
  const { isAllowed, startedAt } = result;
  const ageMs = now - startedAt;
  if (ageMs > lifeOf(isAllowed, ages)) return undefined;
  const isLate = ageMs >= (ages.maxAgeMs * 2) / 3;
  return {
    verdict: isAllowed ? 'allowed' : 'denied',
    isDue: isAllowed && isLate && restedMs(failure, now) >= retryMs,
  };
}

function byFailure({ result, failure }: Known, now: number, { maxAgeMs, graceMs }: AccessAges): Judgement {
  if (!failure || now - failure.startedAt > maxAgeMs) return mustReview;
  const rested = restedMs(failure, now);
  if (result?.isAllowed && now - result.startedAt <= graceMs)
    return { verdict: 'allowed', isDue: now - failure.startedAt >= maxAgeMs / 3 && rested >= retryMs };
  return rested < retryMs ? { verdict: 'unanswered', isDue: false } : mustReview;
}

function restedMs(failure: Known['failure'], now: number): number {
  return failure ? now - failure.endedAt : Infinity;
}

/** Shorter for denials, so that a new right takes effect sooner; an old denial gives nobody a token. */
function lifeOf(isAllowed: boolean, { maxAgeMs }: AccessAges): number {
  return isAllowed ? maxAgeMs : maxAgeMs / 3;
}

export function resultOf(pairs: readonly AccessPair[], verdicts: readonly AccessVerdict[]): AccessResult {
  const verdict = verdictOfAll(verdicts);
  if (verdict !== 'denied') return { verdict };
  return {
    verdict,
    targets: pairs.filter((_, index) => verdicts[index] === 'denied').map(({ target }) => target),
  };
}
