// What reviews say of one ServiceAccount and one target, for tables and JSON.
import { accessTargetKey, rolesFor, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { NamesReview } from '@pod-identity/policy';
import { reviewTarget } from '../../../mic/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import type { Out } from '../print/output.ts';
import type { Rights } from './rights.ts';

/** What `access` prints, and how it ends. */
export interface AccessResult {
  /** For programs. */
  readonly object: object;
  readonly print: (out: Out) => void;
  readonly notes: readonly string[];
  readonly code: number;
}

export type Right = 'allowed' | 'refused' | 'unknown';

export interface Verdict {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly review: NamesReview;
}

/** Fields of the JSON of several commands. */
export interface VerdictObject {
  readonly resource: string;
  /** The narrowest name of the target. */
  readonly name: string;
  readonly right: Right;
  /** The name that the right is on. */
  readonly on?: string;
  readonly why?: string;
  /** What grants it, for `kubectl apply -f -`. */
  readonly roles?: string;
}

/** Asks about each pair once. */
export function createReviews({ reviewer }: Rights, { signal }: Session) {
  const known = new Map<string, Promise<Verdict>>();
  return (subject: AccessSubject, target: AccessTarget): Promise<Verdict> => {
    const key = `${subject.namespace}/${subject.name} ${accessTargetKey(target)}`;
    const verdict =
      known.get(key) ??
      reviewTarget({ subject, target }, { reviewer, signal }).then((review) => ({ subject, target, review }));
    known.set(key, verdict);
    return verdict;
  };
}

export function rightIn({ review: { kind } }: Verdict): Right {
  return kind === 'unanswered' ? 'unknown' : kind;
}

export function verdictObject(verdict: Verdict): VerdictObject {
  const { subject, target, review } = verdict;
  const common = { resource: target.resource, name: target.names[0], right: rightIn(verdict) };
  switch (review.kind) {
    case 'allowed':
      return { ...common, on: target.names[review.level] ?? '' };
    case 'unanswered':
      return { ...common, why: review.why ?? 'no answer' };
    case 'refused':
      return { ...common, roles: rolesFor({ subjects: [subject], targets: [target] }).yaml };
  }
}
