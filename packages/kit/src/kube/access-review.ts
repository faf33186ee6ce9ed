import { KubeError } from './errors.ts';
import type { Fields } from './fields.ts';
import { field } from './object.ts';
import type { KubeTransport } from './transport.ts';

/** Who is asked about, as the API server would see them. */
export interface ReviewSubject {
  readonly user: string;
  readonly groups: readonly string[];
}

export interface AccessQuestion {
  readonly subject: ReviewSubject;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

/** Asks the API server who may do what. */
export interface AccessReviewer {
  /** Whether the subject may. Throws KubeError when there is no answer, or one that says neither. */
  review(question: AccessQuestion, signal?: AbortSignal): Promise<boolean>;
}

export interface AccessReviewerOptions {
  /** For one question. */
  readonly timeoutMs?: number;
}

/** A ServiceAccount as the API server sees it. */
export function subjectOf(namespace: string, name: string): ReviewSubject {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
const apiVersion = 'authorization.k8s.io/v1';
const kind = 'SubjectAccessReview';
const usualTimeoutMs = 5_000;
const fields: Fields = {
  members: {
    kind: { upTo: 128 },
    status: { members: { allowed: { upTo: 16 }, denied: { upTo: 16 } } },
  },
};

/**
 * Reviews of rights in the whole cluster. They name no namespace, so no Role or RoleBinding counts: whoever owns a namespace can
 * grant nothing by them.
 */
export function createAccessReviewer(
  transport: KubeTransport,
  { timeoutMs = usualTimeoutMs }: AccessReviewerOptions = {},
): AccessReviewer {
  return {
    async review({ subject, ...resourceAttributes }, signal) {
      const { user, groups } = subject;
      const answer = await transport.request({
        method: 'POST',
        path,
        body: { apiVersion, kind, spec: { user, groups, resourceAttributes } },
        timeoutMs,
        fields,
        ...(signal && { signal }),
      });
      return readVerdict(answer);
    },
  };
}

/**
 * Whether the API server refuses somebody to whom nobody can have granted anything. One that doesn't (AlwaysAllow) refuses
 * nobody, and its reviews are worth nothing. Throws KubeError when it doesn't answer.
 */
export async function refusesStranger(
  reviewer: AccessReviewer,
  right: Pick<AccessQuestion, 'verb' | 'group' | 'resource'>,
  signal?: AbortSignal,
): Promise<boolean> {
  return !(await reviewer.review({ ...right, subject: stranger, name: stranger.user }, signal));
}

/** In no group, not even that of everybody. */
const stranger: ReviewSubject = { user: 'aad-pod-identity:invented-user', groups: [] };

/** An error in the server's own evaluation (`evaluationError`) leaves its verdict unchanged. */
function readVerdict(answer: unknown): boolean {
  const status = field(answer, 'status');
  const [allowed, denied] = [field(status, 'allowed'), field(status, 'denied')];
  const isContradictory = allowed === true && denied === true;
  if (field(answer, 'kind') !== kind || typeof allowed !== 'boolean' || isContradictory)
    throw new KubeError('invalid', 'the answer of the API server is no SubjectAccessReview with a verdict');
  return allowed;
}
