// The state of one pair, and how the result of a review changes it.
import type { NamesReview } from '@pod-identity/policy';

/** `unknown`: never reviewed; attached identities stay, and none are added. */
export type PairVerdict = 'allowed' | 'denied' | 'unknown';

export interface PairState {
  readonly verdict: PairVerdict;
  /** The index that was allowed last: reviewed first the next time. */
  readonly level: number;
  /** Consecutive refusals, and consecutive reviews that failed. */
  readonly refusals: number;
  readonly failures: number;
  /** When to review it again, in milliseconds of the caller's clock. */
  readonly dueAt: number;
  /** The same if a new pod needs the pair from now on. */
  readonly soonAt: number;
  /** For so many more results the pair is reviewed again soon, since a new pod waits for the right. */
  readonly soonLeft: number;
}

export interface ReviewMoment {
  readonly now: number;
  /** 0 to 1: spreads the reviews over time. */
  readonly chance: number;
  /** The longest time between two reviews of a pair. */
  readonly recheckMs: number;
  /** How many pairs of the namespace are reviewed again soon. */
  readonly soonPairs: number;
}

/** A single refusal can come from an API server that has not read all roles yet: it is confirmed by a second review soon after. */
const refusalsToFall = 2;
const confirmMs = 5_000;
/** Short at first, since a missing right is often granted soon after the first denial; while a new pod waits, always. */
const firstDenialMs = 10_000;
/** So often a pair is reviewed soon after a new pod needed it, which takes at least 5 minutes. */
const soonReviews = 40;
/** Limits the pairs of one namespace that are reviewed again soon to 50 reviews a second: each has up to 3 names. */
const soonPairMs = 60;
const firstFailureMs = 1_000;
const longestFailureMs = 60_000;

export const unreviewed: PairState = {
  verdict: 'unknown',
  level: 0,
  refusals: 0,
  failures: 0,
  dueAt: -Infinity,
  soonAt: -Infinity,
  soonLeft: 0,
};

/** The state of a pair that is not allowed, once a new pod needs it. */
export function awaited(before: PairState): PairState {
  return { ...before, dueAt: Math.min(before.dueAt, before.soonAt), soonLeft: soonReviews };
}

export function isReviewedSoon({ verdict, failures, soonLeft }: PairState): boolean {
  return soonLeft > 0 && (verdict === 'denied' || failures > 0);
}

/** The state of a pair whose results count no longer. */
export function forgotten({ soonLeft }: PairState): PairState {
  return { ...unreviewed, soonLeft };
}

export function foldReview(before: PairState, result: NamesReview, moment: ReviewMoment): PairState {
  switch (result.kind) {
    case 'allowed':
      return allowed(before, result.level, moment);
    case 'refused':
      return refused(before, moment);
    case 'unanswered': {
      const failures = before.failures + 1;
      const pause = doubled(firstFailureMs, failures, Math.min(longestFailureMs, moment.recheckMs));
      const soon = Math.min(pause, soonMs(moment));
      return { ...before, failures, ...again(before, { pause, soon }, moment) };
    }
  }
}

function allowed({ verdict }: PairState, level: number, { now, chance, recheckMs }: ReviewMoment): PairState {
  // Spreads pairs that were reviewed together at the start of a term.
  const share = verdict === 'allowed' ? 0.8 + 0.2 * chance : 0.2 + 0.8 * chance;
  const dueAt = now + recheckMs * share;
  return { verdict: 'allowed', level, refusals: 0, failures: 0, dueAt, soonAt: dueAt, soonLeft: 0 };
}

function refused(before: PairState, moment: ReviewMoment): PairState {
  const refusals = before.refusals + 1;
  if (before.verdict === 'allowed' && refusals < refusalsToFall)
    return { ...before, refusals, failures: 0, dueAt: moment.now + Math.min(confirmMs, moment.recheckMs) };
  const isFirst = before.verdict !== 'denied' || before.soonLeft > 0;
  const denials = isFirst ? 1 : refusals;
  const pause = doubled(firstDenialMs, denials, moment.recheckMs);
  const times = again(before, { pause, soon: soonMs(moment) }, moment);
  return { ...before, verdict: 'denied', refusals: denials, failures: 0, ...times };
}

function soonMs({ soonPairs, recheckMs }: ReviewMoment): number {
  return Math.min(Math.max(firstDenialMs, soonPairs * soonPairMs), recheckMs);
}

function again(
  { soonLeft }: PairState,
  { pause, soon }: { readonly pause: number; readonly soon: number },
  moment: ReviewMoment,
): Pick<PairState, 'dueAt' | 'soonAt' | 'soonLeft'> {
  return {
    dueAt: after(soonLeft > 0 ? soon : pause, moment),
    soonAt: after(Math.min(pause, soon), moment),
    soonLeft: Math.max(0, soonLeft - 1),
  };
}

function doubled(firstMs: number, times: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(times - 1, 30), longestMs);
}

function after(ms: number, { now, chance }: ReviewMoment): number {
  return now + ms * (0.8 + 0.2 * chance);
}
