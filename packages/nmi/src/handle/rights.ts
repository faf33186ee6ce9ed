import { orLate, type Clock } from '@pod-identity/kit/core';
import { missingRightIn, type MissingRight, type Needed, type Reviewed } from '../authorize/missing-right.ts';
import type { PodView } from '../identify/pod-view.ts';
import { tenantOf, type WaitingCall, type Permit, type ReviewedCall, type GrantPorts } from './permit.ts';

/** Whether all rights that the permit needs are known to be there. */
export function isAllowedNow(
  { access: guard }: Pick<GrantPorts, 'access'>,
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
export function withTimeForReviews<Call extends WaitingCall>(call: Call, clock: Clock): Call & ReviewedCall {
  return {
    ...call,
    reviewsUntil: Math.max(call.patience.deadline, clock.elapsed() + longestReviewMs),
  };
}

/**
 * The outcome instead of a token for lack of a right; undefined: it may be given. A right that is not known at `reviewsUntil` is a refusal that
 * passes: a request may need many reviews.
 */
export async function missingRightOf(
  { access: guard, clock }: GrantPorts,
  { pod, reviewsUntil }: Pick<ReviewedCall, 'pod' | 'reviewsUntil'>,
  needed: Needed,
): Promise<MissingRight | undefined> {
  const { access } = needed;
  if (!access) return undefined;
  const late: Reviewed = { verdict: 'unanswered', why: 'late' };
  const ms = reviewsUntil - clock.elapsed();
  const reviewed = await orLate<Reviewed>(guard.review(access, tenantOf(pod)), { clock, ms, late });
  return missingRightIn(reviewed, pod.key, needed);
}
