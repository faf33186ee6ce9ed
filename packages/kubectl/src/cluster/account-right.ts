import { createAccessReviewer, KubeError, subjectOf, type KubeRight } from '@pod-identity/kit/kube';
import type { ObjectName } from './fields.ts';
import type { ClusterReader } from './lists.ts';

export interface NeededRight extends Omit<KubeRight, 'namespace' | 'name'> {
  /** In its own namespace alone. */
  readonly isOwn?: true;
}

export interface AccountRight {
  readonly account: ObjectName;
  readonly right: NeededRight;
}

/** What the API server says; undefined: the user may not ask. */
export async function hasRight(
  { account: { namespace, name }, right: { isOwn, ...right } }: AccountRight,
  { kube, signal }: ClusterReader,
): Promise<boolean | undefined> {
  const wanted = { subject: subjectOf(namespace, name), ...right, ...(isOwn === true && { namespace }) };
  try {
    return await createAccessReviewer(kube).review(wanted, signal);
  } catch (error) {
    if (error instanceof KubeError && error.code === 'denied') return undefined;
    throw error;
  }
}
