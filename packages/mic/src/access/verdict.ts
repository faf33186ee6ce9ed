// The state of one pair, and how an answer changes it.

/** `unknown`: never answered; attached identities stay, and none are added. */
export type Verdict = 'allowed' | 'denied' | 'unknown';

/** The result of asking about the names of a target. `level`: index of the allowed name. */
export type Answer =
  | { readonly kind: 'allowed'; readonly level: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unanswered' };

export interface Standing {
  readonly verdict: Verdict;
  /** The index that was allowed last: asked first the next time. */
  readonly level: number;
  /** Consecutive refusals, and consecutive questions without an answer. */
  readonly refusals: number;
  readonly failures: number;
  /** When to ask again, in milliseconds of the caller's clock. */
  readonly dueAt: number;
}

export interface AnswerMoment {
  readonly now: number;
  /** 0 to 1: spreads the questions over time. */
  readonly chance: number;
  /** The longest time between two questions about a pair. */
  readonly recheckMs: number;
}

/** A single refusal can come from an API server that has not read all roles yet: it is confirmed by a second question soon after. */
const refusalsToFall = 2;
const confirmMs = 5_000;
/** Short at first, since a missing right is often granted soon after the first denial. */
const firstDenialMs = 10_000;
const firstFailureMs = 1_000;
const longestFailureMs = 60_000;

export const unasked: Standing = { verdict: 'unknown', level: 0, refusals: 0, failures: 0, dueAt: -Infinity };

export function foldAnswer(before: Standing, answer: Answer, moment: AnswerMoment): Standing {
  switch (answer.kind) {
    case 'allowed':
      return allowed(before, answer.level, moment);
    case 'refused':
      return refused(before, moment);
    case 'unanswered': {
      const failures = before.failures + 1;
      const pause = doubled(firstFailureMs, failures, Math.min(longestFailureMs, moment.recheckMs));
      return { ...before, failures, dueAt: after(pause, moment) };
    }
  }
}

function allowed({ verdict }: Standing, level: number, { now, chance, recheckMs }: AnswerMoment): Standing {
  // Spreads pairs that were asked together at the start of a term.
  const share = verdict === 'allowed' ? 0.8 + 0.2 * chance : 0.2 + 0.8 * chance;
  return { verdict: 'allowed', level, refusals: 0, failures: 0, dueAt: now + recheckMs * share };
}

function refused(before: Standing, moment: AnswerMoment): Standing {
  const refusals = before.refusals + 1;
  if (before.verdict === 'allowed' && refusals < refusalsToFall)
    return { ...before, refusals, failures: 0, dueAt: moment.now + Math.min(confirmMs, moment.recheckMs) };
  const isNew = before.verdict !== 'denied';
  const denials = isNew ? 1 : refusals;
  const pause = doubled(firstDenialMs, denials, moment.recheckMs);
  return { ...before, verdict: 'denied', refusals: denials, failures: 0, dueAt: after(pause, moment) };
}

function doubled(firstMs: number, times: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(times - 1, 30), longestMs);
}

function after(ms: number, { now, chance }: AnswerMoment): number {
  return now + ms * (0.8 + 0.2 * chance);
}
