import type { Clock } from '@pod-identity/kit/core';
import type { Access } from '../access/types.ts';
import type { AccessAnswer, AccessGuard } from '../access/guard.ts';
import { exemptionName } from '../authorize/authorize.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Outcome } from '../respond/outcome.ts';
import { tenantOf, type GrantQuestion, type Permit, type ReviewedQuestion } from './permit.ts';

export interface BarrierOptions {
  readonly access: AccessGuard;
  readonly clock: Clock;
}

/** What a token depends on besides bindings. */
interface Barred {
  /** `namespace/name`; '' for the machine. */
  readonly identity: string;
  readonly access: Access;
}

/** Whether all rights that the permit needs are known to be there. */
export function isAllowedNow(
  { access: guard }: Pick<BarrierOptions, 'access'>,
  pod: PodView,
  { access }: Permit,
): boolean {
  return access === undefined || guard.now(access, tenantOf(pod))?.verdict === 'allowed';
}

/** Of one review, with the wait for its turn. */
const longestReviewMs = 9_000;

/**
 * Reviews end with the request's hold, or after this time if that is later. To be called after each wait: verdicts have expired since, and are
 * asked for again.
 */
export function withTimeForReviews<Question extends GrantQuestion>(
  question: Question,
  clock: Clock,
): Question & ReviewedQuestion {
  return {
    ...question,
    reviewsUntil: Math.max(question.patience.deadline, clock.elapsed() + longestReviewMs),
  };
}

/**
 * What is told instead of a token for lack of a right; undefined: it may be given. A right that is not known at `reviewsUntil` is a refusal that
 * passes: a request may need many reviews.
 */
export async function barredBy(
  { access: guard, clock }: BarrierOptions,
  { pod, reviewsUntil }: Pick<ReviewedQuestion, 'pod' | 'reviewsUntil'>,
  { subject, access }: Permit,
): Promise<Outcome | undefined> {
  if (!access) return undefined;
  const identity = subject.kind === 'machine' ? '' : subject.name;
  const { promise: tooLate, resolve } = Promise.withResolvers<Outcome>();
  const timer = clock.after(Math.max(0, reviewsUntil - clock.elapsed()), () =>
    resolve({ kind: 'access-unanswered', pod: pod.key, identity, isLate: true }),
  );
  try {
    return await Promise.race([barredFrom(guard, pod, { identity, access }), tooLate]);
  } finally {
    timer.cancel();
  }
}

async function barredFrom(
  guard: AccessGuard,
  pod: PodView,
  { identity, access }: Barred,
): Promise<Outcome | undefined> {
  const answer = await guard.ask(access, tenantOf(pod));
  return barring(answer, pod, { identity, access });
}

function barring(
  answer: AccessAnswer,
  { key: pod }: PodView,
  { identity, access }: Barred,
): Outcome | undefined {
  switch (answer.verdict) {
    case 'allowed':
      return undefined;
    case 'denied': {
      const { targets } = answer;
      const { subject, podWithoutMic } = access;
      return {
        kind: 'denied',
        pod,
        denial: {
          why: 'access-denied',
          identity,
          subject,
          targets,
          ...(podWithoutMic !== undefined && { podWithoutMic }),
        },
      };
    }
    case 'unanswered':
      return { kind: 'access-unanswered', pod, identity };
    case 'busy':
      return { kind: 'overloaded', pod };
  }
}

export function isForLackOfRight(outcome: Outcome): boolean {
  return (
    outcome.kind === 'access-unanswered' ||
    (outcome.kind === 'denied' && outcome.denial.why === 'access-denied')
  );
}

/**
 * What counts as not bound after this outcome: an identity that the ServiceAccount may not use, or the exemption of a pod whose right
 * on the machine is missing or not known. Undefined: the outcome is final.
 */
export function refusedIn(outcome: Outcome): string | undefined {
  if (outcome.kind === 'denied' && outcome.denial.why === 'access-denied')
    return outcome.denial.identity || exemptionName;
  return outcome.kind === 'access-unanswered' && outcome.identity === '' ? exemptionName : undefined;
}
