import { KubeError } from './errors.ts';
import type { Fields } from './fields.ts';
import { field } from './object.ts';
import type { KubeTransport } from './transport.ts';

export interface ReviewSubject {
  readonly user: string;
  readonly groups: readonly string[];
}

export interface AccessReviewRequest {
  readonly subject: ReviewSubject;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

export interface AccessReviewer {
  /** Whether the subject has the right. Throws KubeError without a verdict. */
  review(request: AccessReviewRequest, signal?: AbortSignal): Promise<boolean>;
}

export interface AccessReviewerOptions {
  readonly timeoutMs?: number;
}

/** User name and groups of a ServiceAccount. */
export function subjectOf(namespace: string, name: string): ReviewSubject {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
const apiVersion = 'authorization.k8s.io/v1';
const kind = 'SubjectAccessReview';
/** A review is a computation in the memory of the API server: one that takes longer will hardly come. */
const usualTimeoutMs = 5_000;
export const reviewFields: Fields = {
  members: {
    kind: { upTo: 128 },
    status: { members: { allowed: { upTo: 16 }, denied: { upTo: 16 } } },
  },
};

/**
 * Reviews rights in the whole cluster. Reviews without a namespace ignore Roles and RoleBindings, so owners of namespaces cannot grant
 * these rights.
 */
export function createAccessReviewer(
  transport: KubeTransport,
  { timeoutMs = usualTimeoutMs }: AccessReviewerOptions = {},
): AccessReviewer {
  return {
    async review({ subject, ...resourceAttributes }, signal) {
      const { user, groups } = subject;
      const response = await transport.request({
        method: 'POST',
        path,
        body: { apiVersion, kind, spec: { user, groups, resourceAttributes } },
        timeoutMs,
        fields: reviewFields,
        ...(signal && { signal }),
      });
      return readVerdict(response);
    },
  };
}

/** `evaluationError` does not change the verdict. */
function readVerdict(response: unknown): boolean {
  const status = field(response, 'status');
  const [allowed, denied] = [field(status, 'allowed'), field(status, 'denied')];
  const isContradictory = allowed === true && denied === true;
  if (field(response, 'kind') !== kind || typeof allowed !== 'boolean' || isContradictory)
    throw new KubeError('invalid', 'the answer of the API server is no SubjectAccessReview with a verdict');
  return allowed;
}
