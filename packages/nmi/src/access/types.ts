import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';

/** May this ServiceAccount use this? One of the questions that a token depends on. */
export interface AccessPair {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  /** Equal for equal targets of equal subjects of one namespace. */
  readonly key: string;
}

/** What must be allowed before a pod gets a token; all pairs must be. */
export interface Access {
  /** `warn`: a token is given in any case, and it is reported who would be refused. */
  readonly mode: 'warn' | 'rbac';
  readonly subject: AccessSubject;
  /** `machine`: the right on the machine of this node, which stands for all of its identities. */
  readonly pairs: readonly AccessPair[] | 'machine';
}

/**
 * `unanswered`: the API server gave no usable answer. `busy`: the pod or its namespace has too many questions under way, so it was
 * not asked.
 */
export type Verdict = 'allowed' | 'denied' | 'unanswered' | 'busy';

export interface AccessQuestion {
  readonly subject: AccessSubject;
  readonly resource: AccessTarget['resource'];
  /** One of the names of a target. */
  readonly name: string;
}

/** Asks the API server; rejects when it gives no usable answer. */
export type AskForAccess = (question: AccessQuestion, signal: AbortSignal) => Promise<boolean>;
