// Asks the API server once about rights: about one target, or about all that pods need.
import type { AccessSubject } from '@pod-identity/crd-types';
import { KubeError, reviewStranger, subjectOf, type AccessReviewer } from '@pod-identity/kit/kube';
import { reviewNames, strangerRight, useRight, type NamesReview } from '@pod-identity/policy';
import type { PairRegistry, Pair } from '../access/pair-registry.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';

export interface RightsReview {
  readonly index: ClusterIndex;
  readonly registry: PairRegistry<AccessGroup>;
  readonly reviewer: AccessReviewer;
  /** Default: the ServiceAccounts of all pods. */
  readonly subject?: AccessSubject;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** The results are in the registry afterwards, and none if the API server allows an invented user too, as in MIC. Returns whether it does. */
export async function reviewRights({
  index,
  registry,
  subject,
  now,
  ...reviewing
}: RightsReview): Promise<boolean> {
  index.settle();
  let isOpen: boolean | undefined;
  for (let pair = registry.next(now); pair; pair = registry.next(now)) {
    const { namespace, name } = pair.subject;
    if (subject && (namespace !== subject.namespace || name !== subject.name)) continue;
    if ((isOpen ??= await allowsAnybody(reviewing))) continue;
    index.rightsChanged(registry.record(pair, await reviewTarget(pair, reviewing), { now, chance: 1 }));
  }
  index.settle();
  return isOpen === true;
}

type Reviewing = Pick<RightsReview, 'reviewer' | 'signal'>;

/** False if that is not known. */
async function allowsAnybody({ reviewer, signal }: Reviewing): Promise<boolean> {
  const result = await reviewStranger(reviewer, strangerRight, signal);
  return 'isRefused' in result && !result.isRefused;
}

/** From the narrowest name to the widest, so that the narrowest right is returned. */
export async function reviewTarget(
  { subject, target }: Pick<Pair, 'subject' | 'target'>,
  { reviewer, signal }: Reviewing,
): Promise<NamesReview> {
  const { resource } = target;
  const user = subjectOf(subject.namespace, subject.name);
  try {
    return await reviewNames(target, 0, (name) =>
      reviewer.review({ ...useRight, subject: user, resource, name }, signal),
    );
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { kind: 'unanswered', why: error.message };
  }
}
