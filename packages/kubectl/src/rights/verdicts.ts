// What the API server says of one ServiceAccount and one target.
import { accessTargetKey, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import { KubeError, subjectOf } from '@pod-identity/kit/kube';
import { reviewNames, useRight, type NamesReview } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import type { Rights } from './rights.ts';

export type Right = 'allowed' | 'refused' | 'unknown';

export interface Verdict {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly review: NamesReview;
}

export type Reviews = ReturnType<typeof createReviews>;

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
    const key = `${keyOf(subject)} ${accessTargetKey(target)}`;
    const verdict = known.get(key) ?? read(subject, target);
    known.set(key, verdict);
    return verdict;
  };
}

export const rightIn = ({ review: { kind } }: Verdict): Right => (kind === 'unanswered' ? 'unknown' : kind);
