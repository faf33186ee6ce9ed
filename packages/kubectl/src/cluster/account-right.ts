import { KubeError, subjectOf, type KubeTransport } from '@pod-identity/kit/kube';
import { memberOf } from '../../../mic/src/commands/plug-in.ts';

export interface NeededRight {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** In its own namespace alone. */
  readonly isOwn?: true;
}

export interface AccountRight {
  readonly account: { readonly namespace: string; readonly name: string };
  readonly right: NeededRight;
}

/** What the API server says; undefined: the user may not ask. */
export async function hasRight(
  { account: { namespace, name }, right: { isOwn, ...attributes } }: AccountRight,
  { kube, signal }: { readonly kube: KubeTransport; readonly signal: AbortSignal },
): Promise<boolean | undefined> {
  const apiVersion = 'authorization.k8s.io/v1';
  const spec = {
    ...subjectOf(namespace, name),
    resourceAttributes: { ...attributes, ...(isOwn === true && { namespace }) },
  };
  try {
    const review = await kube.request({
      method: 'POST',
      path: `/apis/${apiVersion}/subjectaccessreviews`,
      signal,
      body: { apiVersion, kind: 'SubjectAccessReview', spec },
    });
    return memberOf(memberOf(review, 'status'), 'allowed') === true;
  } catch (error) {
    if (error instanceof KubeError && error.code === 'denied') return undefined;
    throw error;
  }
}
