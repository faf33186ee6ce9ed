// What follows from a right that is missing or not known: the outcome, and what counts as not bound then.
import type { AccessResult } from '../access/judge.ts';
import type { Access } from '../access/types.ts';
import type { Denial } from './types.ts';

/** `pod`: `namespace/name`. */
export type MissingRight =
  | { readonly kind: 'denied'; readonly pod: string; readonly denial: Denial }
  /**
   * Whether the pod's ServiceAccount may use it is not known. `identity` is '' for the machine of an exempt pod. `late`: the review
   * had not ended when the request had waited as long as it may. `allows-all`: reviews are not used, since an invented user is allowed too.
   */
  | {
      readonly kind: 'access-unanswered';
      readonly pod: string;
      readonly identity: string;
      readonly why?: 'late' | 'allows-all';
    }
  | { readonly kind: 'overloaded'; readonly pod: string };

/** `late`: the review had not ended when the request had waited as long as it may. */
export type Reviewed = AccessResult | { readonly verdict: 'unanswered'; readonly why: 'late' };

/** A right that a token takes. */
export interface Needed {
  /** `namespace/name`; '': the machine. */
  readonly identity: string;
  /** Undefined: none. */
  readonly access: Access | undefined;
}

export function missingRightIn(
  reviewed: Reviewed,
  pod: string,
  { identity, access }: Needed,
): MissingRight | undefined {
  if (reviewed.verdict === 'allowed' || access === undefined) return undefined;
  switch (reviewed.verdict) {
    case 'denied': {
      const { subject } = access;
      const { targets } = reviewed;
      return { kind: 'denied', pod, denial: { why: 'access-denied', identity, subject, targets } };
    }
    case 'unanswered':
      return { kind: 'access-unanswered', pod, identity, ...(reviewed.why && { why: reviewed.why }) };
    case 'busy':
      return { kind: 'overloaded', pod };
  }
}

/** The properties of an outcome that say whether a right was missing. */
interface Ended {
  readonly kind: string;
  readonly denial?: Denial;
  readonly identity?: string;
}

export function isForMissingRight({ kind, denial }: Ended): boolean {
  return kind === 'access-unanswered' || (kind === 'denied' && denial?.why === 'access-denied');
}

/** The name in `refused` for the exemption of a pod. No AzureIdentity has this name. */
export const exemptionName = 'exempt';

/**
 * What counts as not bound after this outcome: an identity that the ServiceAccount may not use, or the exemption of a pod whose right
 * on the machine is missing or not known. Undefined: the outcome is final.
 */
export function refusedBy({ kind, denial, identity }: Ended): string | undefined {
  if (kind === 'denied' && denial?.why === 'access-denied') return denial.identity || exemptionName;
  return kind === 'access-unanswered' && identity === '' ? exemptionName : undefined;
}
