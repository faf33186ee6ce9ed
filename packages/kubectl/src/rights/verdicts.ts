// What the API server says of one ServiceAccount and one target.
import { accessTargetKey, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import { KubeError, subjectOf } from '@pod-identity/kit/kube';
import { reviewNames, useRight, type NamesReview } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import type { ClusterReader } from '../cluster/lists.ts';
import { openRights, type Rights } from './rights.ts';

export type Right = 'allowed' | 'refused' | 'unknown';

/** A right that decides. */
export interface Pair {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
}

export interface Verdict extends Pair {
  readonly review: NamesReview;
}

export type Reviews = ReturnType<typeof createReviews>;

const pairKey = ({ subject, target }: Pair) => `${keyOf(subject)} ${accessTargetKey(target)}`;

/** Asks about each pair once. */
export function createReviews(
  { reviewer }: Pick<Rights, 'reviewer'>,
  { signal }: { readonly signal: AbortSignal },
) {
  const known = new Map<string, Promise<Verdict>>();
  /** From the narrowest name to the widest, so that the narrowest right is told. */
  async function read(subject: AccessSubject, target: AccessTarget): Promise<Verdict> {
    const wanted = { ...useRight, subject: subjectOf(subject.namespace, subject.name) };
    try {
      const review = await reviewNames(target, 0, (name) =>
        reviewer.review({ ...wanted, resource: target.resource, name }, signal),
      );
      return { subject, target, review };
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      return { subject, target, review: { kind: 'unanswered', why: error.message } };
    }
  }
  return (subject: AccessSubject, target: AccessTarget): Promise<Verdict> => {
    const key = pairKey({ subject, target });
    const verdict = known.get(key) ?? read(subject, target);
    known.set(key, verdict);
    return verdict;
  };
}

export const rightIn = ({ review: { kind } }: Verdict): Right => (kind === 'unanswered' ? 'unknown' : kind);

/** What the API server says of all of them; nothing is asked where there are none. */
export async function readRights(session: ClusterReader, pairs: readonly Pair[]) {
  const rights = pairs.length === 0 ? undefined : await openRights(session);
  const review = rights && createReviews(rights, session);
  const known = new Map<string, Right>();
  const reviews = pairs.map(async (pair) => {
    if (review) known.set(pairKey(pair), rightIn(await review(pair.subject, pair.target)));
  });
  await Promise.all(reviews);
  return { rights, rightOf: (pair: Pair): Right => known.get(pairKey(pair)) ?? 'unknown' };
}
