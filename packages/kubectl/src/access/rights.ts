// Who tells whether a ServiceAccount has a right: the API server, else the grants that the user may read.
import { createLimit } from '@pod-identity/kit/core';
import { createAccessReviewer, KubeError, reviewStranger, type AccessReviewer } from '@pod-identity/kit/kube';
import { strangerRight, uselessReviews } from '@pod-identity/policy';
import type { Session } from '../cli/command.ts';
import { listClusterRoles } from '../../../mic/src/commands/plug-in.ts';
import { createGrantReviewer, grantsIn, type Grant } from './grants.ts';

export interface Rights {
  /** Without a source it throws KubeError `denied`. */
  readonly reviewer: AccessReviewer;
  readonly source: 'reviews' | 'grants' | 'none';
  /** Undefined: they may not be read. */
  readonly grants: readonly Grant[] | undefined;
  /** The API server refuses no one. */
  readonly allowsAnybody: boolean;
  /** What the user should know of the answers. */
  readonly notes: readonly string[];
}

/** Of reviews at a time. */
const concurrency = 8;

export async function openRights({ kube, signal }: Pick<Session, 'kube' | 'signal'>): Promise<Rights> {
  const [reviews, roles] = await Promise.all([
    tryReviews(limited(createAccessReviewer(kube)), signal),
    listClusterRoles({ transport: kube, signal }),
  ]);
  const grants = roles && grantsIn(roles);
  if (reviews) {
    const notes = reviews.allowsAnybody ? [uselessReviews] : [];
    return { ...reviews, source: 'reviews', grants, notes };
  }
  const common = { allowsAnybody: false, grants };
  if (grants === undefined) return { ...common, source: 'none', reviewer: silent, notes: [noSource] };
  return { ...common, source: 'grants', reviewer: createGrantReviewer(grants), notes: [byGrants] };
}

const byGrants =
  'you may not create SubjectAccessReviews: rights are told by the ClusterRoles and ClusterRoleBindings that you may list; other authorizers of the API server are not seen';
const noSource =
  'you may neither create SubjectAccessReviews nor list ClusterRoles and ClusterRoleBindings: whether a ServiceAccount has a right cannot be known; an administrator can see it, or allow you to: kubectl create clusterrole access-reviewer --verb=create --resource=subjectaccessreviews.authorization.k8s.io';

const silent: AccessReviewer = {
  review: () => Promise.reject(new KubeError('denied', 'you may not create SubjectAccessReviews')),
};

async function tryReviews(
  reviewer: AccessReviewer,
  signal: AbortSignal,
): Promise<Pick<Rights, 'reviewer' | 'allowsAnybody'> | undefined> {
  const result = await reviewStranger(reviewer, strangerRight, signal);
  if ('isRefused' in result) return { reviewer, allowsAnybody: !result.isRefused };
  if (result.error instanceof KubeError && result.error.code === 'denied') return undefined;
  throw result.error;
}

function limited(reviewer: AccessReviewer): AccessReviewer {
  const limit = createLimit(concurrency);
  return { review: (request, signal) => limit(() => reviewer.review(request, signal)) };
}
