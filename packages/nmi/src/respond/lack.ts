// The outcome for a right that is missing or not known, and what counts as not bound then.
import type { AccessResult } from '../access/guard.ts';
import type { Access } from '../access/types.ts';
import { exemptionName } from '../authorize/authorize.ts';
import type { Outcome } from './outcome.ts';

export type Lack = Extract<Outcome, { readonly kind: 'denied' | 'access-unanswered' | 'overloaded' }>;

/** `late`: the review had not ended when the request had waited as long as it may. */
export type Reviewed = AccessResult | { readonly verdict: 'unanswered'; readonly why: 'late' };

interface Needed {
  readonly identity: string;
  readonly access: Access;
}

export function lackIn(reviewed: Reviewed, pod: string, { identity, access }: Needed): Lack | undefined {
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
