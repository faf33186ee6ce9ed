import { uselessReviews } from '@pod-identity/policy';

/** Seldom while the API server refuses it; soon after a failure, since pods get no token until an invented user is refused. */
const pausesMs = { refused: 5 * 60_000, allowed: 30_000, unanswered: 2_000 };

/** Until the API server is asked about an invented user again. Undefined: the last question was not answered. */
export function pauseAfter(isRefused: boolean | undefined): number {
  if (isRefused === undefined) return pausesMs.unanswered;
  return isRefused ? pausesMs.refused : pausesMs.allowed;
}

/** Why reviews of the API server cannot be used, with the remedy; undefined if they can. */
export function strangerProblem(isRefused: boolean | undefined): string | undefined {
  if (isRefused === undefined)
    return (
      'the API server has not said yet whether it refuses an invented user (--identity-access=rbac): allow create of ' +
      'subjectaccessreviews.authorization.k8s.io to the service account of NMI (deploy/base/nmi/rbac.yaml)'
    );
  return isRefused
    ? undefined
    : `${uselessReviews}: pods whose namespace has --identity-access=rbac get no token. Start the API server with --authorization-mode=Node,RBAC, or set --identity-access=namespace`;
}
