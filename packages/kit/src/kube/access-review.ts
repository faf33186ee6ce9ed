import { KubeError } from './errors.ts';
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

/** Any right in Kubernetes. */
export interface KubeRight extends Pick<AccessReviewRequest, 'verb' | 'group' | 'resource'> {
  readonly subresource?: string;
  /** Undefined: in the whole cluster. */
  readonly namespace?: string;
  /** Undefined: all objects. */
  readonly name?: string;
}

export interface RightReviewer {
  /** As AccessReviewer; without a subject, of whoever asks. */
  review(request: KubeRight & { readonly subject?: ReviewSubject }, signal?: AbortSignal): Promise<boolean>;
}

/** User name and groups of a ServiceAccount. */
export function subjectOf(namespace: string, name: string): ReviewSubject {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

const apiVersion = 'authorization.k8s.io/v1';
const [ofSubject, ofSelf] = ['SubjectAccessReview', 'SelfSubjectAccessReview'] as const;
/** A review is a computation in the memory of the API server: one that takes longer will hardly come. */
const timeoutMs = 5_000;

/**
 * A review without a namespace is of the whole cluster and ignores Roles and RoleBindings, so owners of namespaces cannot grant the rights
 * on Azure identities.
 */
export function createAccessReviewer(transport: KubeTransport): RightReviewer {
  return {
    async review({ subject, ...resourceAttributes }, signal) {
      const kind = subject ? ofSubject : ofSelf;
      const response = await transport.request({
        method: 'POST',
        path: `/apis/${apiVersion}/${kind.toLowerCase()}s`,
        body: {
          apiVersion,
          kind,
          spec: { ...(subject && { user: subject.user, groups: subject.groups }), resourceAttributes },
        },
        timeoutMs,
        ...(signal && { signal }),
      });
      return readVerdict(response, kind);
    },
  };
}

/** `evaluationError` does not change the verdict. */
function readVerdict(response: unknown, kind: string): boolean {
  const status = field(response, 'status');
  const [allowed, denied] = [field(status, 'allowed'), field(status, 'denied')];
  const isContradictory = allowed === true && denied === true;
  if (field(response, 'kind') !== kind || typeof allowed !== 'boolean' || isContradictory)
    throw new KubeError('invalid', `the answer of the API server is no ${kind} with a verdict`);
  return allowed;
}
