import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';
import { pairKey } from '@pod-identity/policy';

/** Whether a ServiceAccount may use a target: one condition for a token. */
export interface AccessPair {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  /** Equal for equal subjects and targets of one namespace. */
  readonly key: string;
}

export function pairOf(subject: AccessSubject, target: AccessTarget): AccessPair {
  return { subject, target, key: pairKey(subject, target) };
}

/** The rights for a token: all pairs must be allowed. */
export interface Access {
  /** `warn`: a token is given in any case, and refusals that `rbac` would cause are reported. */
  readonly mode: 'warn' | 'rbac';
  readonly subject: AccessSubject;
  /** `machine`: the right on the machine of this node, which covers all of its identities. */
  readonly pairs: readonly AccessPair[] | 'machine';
}

/**
 * `unanswered`: the API server gave no usable answer. `busy`: not asked, since the pod or its namespace has too many questions in
 * progress.
 */
export type AccessVerdict = 'allowed' | 'denied' | 'unanswered' | 'busy';

/** Asks the API server; rejects without a usable answer. */
export type ReviewUse = (
  /** `name`: one of those of a target. */
  request: Pick<AccessTarget, 'resource'> & { readonly subject: AccessSubject; readonly name: string },
  signal: AbortSignal,
) => Promise<boolean>;
