// Who tells whether a ServiceAccount has a right: the API server, if the user may ask it.
import { createLimit } from '@pod-identity/kit/core';
import { createAccessReviewer, KubeError, reviewStranger, type AccessReviewer } from '@pod-identity/kit/kube';
import { strangerRight, uselessReviews } from '@pod-identity/policy';
import type { ClusterReader } from '../cluster/lists.ts';

export interface Rights {
  /** Without a source it throws KubeError `denied`. */
  readonly reviewer: AccessReviewer;
  readonly source: 'reviews' | 'none';
  /** The API server refuses no one. */
  readonly allowsAnybody: boolean;
  /** What the user should know of the answers. */
  readonly notes: readonly string[];
}

/** Of reviews at a time. */
const concurrency = 8;

export async function openRights({ kube, signal }: ClusterReader): Promise<Rights> {
  const [asked, limit] = [createAccessReviewer(kube), createLimit(concurrency)];
  const reviewer: AccessReviewer = { review: (request, of) => limit(() => asked.review(request, of)) };
  const result = await reviewStranger(reviewer, strangerRight, signal);
  if ('isRefused' in result)
    return {
      reviewer,
      source: 'reviews',
      allowsAnybody: !result.isRefused,
      notes: result.isRefused ? [] : [uselessReviews],
    };
  if (!(result.error instanceof KubeError && result.error.code === 'denied')) throw result.error;
  return { reviewer, source: 'none', allowsAnybody: false, notes: [noSource] };
}

/** For an administrator, who binds it to the user. */
export const allowReviews =
  'kubectl create clusterrole access-reviewer --verb=create --resource=subjectaccessreviews.authorization.k8s.io';
const noSource = `you may not create SubjectAccessReviews: whether a ServiceAccount has a right cannot be known; an administrator can see it, or allow you to: ${allowReviews}`;
