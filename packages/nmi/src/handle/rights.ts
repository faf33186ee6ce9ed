import type { Clock } from '@pod-identity/kit/core';
import type { Access } from '../access/types.ts';
import type { AccessResult, AccessGuard } from '../access/guard.ts';
import { exemptionName } from '../authorize/authorize.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Outcome } from '../respond/outcome.ts';
import { nameOf, tenantOf, type HeldCall, type Permit, type ReviewedCall } from './permit.ts';

export interface ReviewOptions {
  readonly access: AccessGuard;
  readonly clock: Clock;
}

/** Whether all rights that the permit needs are known to be there. */
export function isAllowedNow(
  { access: guard }: Pick<ReviewOptions, 'access'>,
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
export function withTimeForReviews<Call extends HeldCall>(call: Call, clock: Clock): Call & ReviewedCall {
  return {
    ...call,
    reviewsUntil: Math.max(call.patience.deadline, clock.elapsed() + longestReviewMs),
  };
}

/**
 * The outcome instead of a token for lack of a right; undefined: it may be given. A right that is not known at `reviewsUntil` is a refusal that
 * passes: a request may need many reviews.
 */
export async function lackOf(
  { access: guard, clock }: ReviewOptions,
  { pod, reviewsUntil }: Pick<ReviewedCall, 'pod' | 'reviewsUntil'>,
  permit: Permit,
): Promise<Outcome | undefined> {
  if (!permit.access) return undefined;
  const { promise: late, resolve } = Promise.withResolvers<Reviewed>();
  const timer = clock.after(Math.max(0, reviewsUntil - clock.elapsed()), () =>
    resolve({ verdict: 'unanswered', why: 'late' }),
  );
  try {
    const reviewed = await Promise.race([guard.review(permit.access, tenantOf(pod)), late]);
    return lackIn(reviewed, pod.key, { identity: nameOf(permit), access: permit.access });
  } finally {
    timer.cancel();
  }
}

type Reviewed = AccessResult | { readonly verdict: 'unanswered'; readonly why: 'late' };

interface Needed {
  readonly identity: string;
  readonly access: Access;
}

function lackIn(reviewed: Reviewed, pod: string, { identity, access }: Needed): Outcome | undefined {
  switch (reviewed.verdict) {
    case 'allowed':
      return undefined;
    case 'denied': {
      const { subject, podWithoutMic } = access;
      const denied = podWithoutMic === undefined ? {} : { podWithoutMic };
      const { targets } = reviewed;
      return { kind: 'denied', pod, denial: { why: 'access-denied', identity, subject, targets, ...denied } };
    }
    case 'unanswered':
      return { kind: 'access-unanswered', pod, identity, ...(reviewed.why && { why: reviewed.why }) };
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
export function refusedBy(outcome: Outcome): string | undefined {
  if (outcome.kind === 'denied' && outcome.denial.why === 'access-denied')
    return outcome.denial.identity || exemptionName;
  return outcome.kind === 'access-unanswered' && outcome.identity === '' ? exemptionName : undefined;
}
