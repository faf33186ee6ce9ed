// Asks the API server once about the rights that one pod needs.
import { accessGroup, accessVerb, type AccessSubject } from '@pod-identity/crd-types';
import { KubeError, subjectOf, type AccessReviewer } from '@pod-identity/kit/kube';
import type { AccessBook, Pair } from '../access/book.ts';
import type { Answer } from '../access/verdict.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';

export interface PodReview {
  readonly index: ClusterIndex;
  readonly book: AccessBook<AccessGroup>;
  readonly reviewer: AccessReviewer;
  readonly subject: AccessSubject;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** The answers are in the index afterwards. */
export async function reviewPod({ index, book, subject, now, ...asking }: PodReview): Promise<void> {
  index.settle();
  for (let pair = book.next(now); pair; pair = book.next(now)) {
    const { namespace, name } = pair.subject;
    if (namespace !== subject.namespace || name !== subject.name) continue;
    index.rightsChanged(book.answer(pair, await answerTo(pair, asking), { now, chance: 1 }));
  }
  index.settle();
}

async function answerTo(
  { subject, target }: Pair,
  { reviewer, signal }: Pick<PodReview, 'reviewer' | 'signal'>,
): Promise<Answer> {
  const right = { verb: accessVerb, group: accessGroup, resource: target.resource };
  const who = subjectOf(subject.namespace, subject.name);
  try {
    for (const [level, name] of target.names.entries())
      if (await reviewer.review({ ...right, subject: who, name }, signal)) return { kind: 'allowed', level };
    return { kind: 'refused' };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { kind: 'unanswered' };
  }
}
