// What is known of one pair, and what an answer changes about it.

/** `unknown`: never answered. What exists stays as it is then, and nothing is added. */
export type Verdict = 'allowed' | 'denied' | 'unknown';

/** What came of asking about all names of a target. `level`: the place of the name that is granted. */
export type Answer =
  | { readonly kind: 'allowed'; readonly level: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unanswered' };

export interface Standing {
  readonly verdict: Verdict;
  /** The level that was granted last: asked first the next time. */
  readonly level: number;
  /** How often in a row the pair was refused, and how often there was no answer. */
  readonly refusals: number;
  readonly failures: number;
  /** When to ask again. */
  readonly dueAt: number;
}

export interface AnswerMoment {
  readonly now: number;
  /** 0 to 1: spreads the questions. */
  readonly chance: number;
  /** A pair is asked again within this time. */
  readonly recheckMs: number;
}

/** One refusal may come from an API server that has not read all roles yet: the second question follows soon. */
const refusalsToFall = 2;
const confirmMs = 5_000;
/** Somebody who was refused is often just about to be granted the right. */
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
  // Pairs that were asked together at the start of a term are not asked together for ever.
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
