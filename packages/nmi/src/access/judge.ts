import type { Verdict } from './types.ts';

/** What is known of a pair. All times are those at which the question began, by a clock that is never set back. */
export interface Known {
  /** The last answer. */
  readonly answer?: { readonly isAllowed: boolean; readonly askedAt: number };
  /** The last question, if it was not answered. */
  readonly failure?: { readonly askedAt: number; readonly endedAt: number };
}

export interface AccessAges {
  /** How long a verdict counts. */
  readonly maxAgeMs: number;
  /** How long the last positive verdict counts while questions are not answered. */
  readonly graceMs: number;
}

export interface Judgement {
  /** Undefined: a question must be asked first. */
  readonly verdict: Verdict | undefined;
  /** Worth asking again although the verdict counts. */
  readonly isDue: boolean;
}

/** Between two questions when the first of them was not answered. */
const retryMs = 1_000;

const mustAsk: Judgement = { verdict: undefined, isDue: true };

/**
 * What counts now. An answer counts for the maximum age. That a question was not answered counts for as long: then the last positive
 * answer is used within the grace. So whenever a right is used, a question about it began within the maximum age.
 */
export function judge(known: Known, now: number, ages: AccessAges): Judgement {
  return byAnswer(known, now, ages) ?? byFailure(known, now, ages);
}

/** Undefined: it is too old. */
function byAnswer({ answer, failure }: Known, now: number, ages: AccessAges): Judgement | undefined {
  if (!answer) return undefined;
  const { isAllowed, askedAt } = answer;
  const ageMs = now - askedAt;
  if (ageMs > lifeOf(isAllowed, ages)) return undefined;
  const isLate = ageMs >= (ages.maxAgeMs * 2) / 3;
  return {
    verdict: isAllowed ? 'allowed' : 'denied',
    isDue: isAllowed && isLate && restedMs(failure, now) >= retryMs,
  };
}

function byFailure({ answer, failure }: Known, now: number, { maxAgeMs, graceMs }: AccessAges): Judgement {
  if (!failure || now - failure.askedAt > maxAgeMs) return mustAsk;
  const rested = restedMs(failure, now);
  if (answer?.isAllowed && now - answer.askedAt <= graceMs)
    return { verdict: 'allowed', isDue: now - failure.askedAt >= maxAgeMs / 3 && rested >= retryMs };
  return rested < retryMs ? { verdict: 'unanswered', isDue: false } : mustAsk;
}

function restedMs(failure: Known['failure'], now: number): number {
  return failure ? now - failure.endedAt : Infinity;
}

/** A right that was just granted is noticed sooner than one that was withdrawn: a denial gives nobody a token. */
function lifeOf(isAllowed: boolean, { maxAgeMs }: AccessAges): number {
  return isAllowed ? maxAgeMs : maxAgeMs / 3;
}
