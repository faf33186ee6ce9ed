import type { Needed } from './missing-right.ts';
import type { Decision, Denial } from './types.ts';

/** The rights that are reviewed for the decision: without one of them, it is made again. */
export function reviewedFor(decision: Decision): readonly Needed[] {
  switch (decision.kind) {
    case 'allow':
      return [{ identity: decision.identity.name, access: decision.identity.access }];
    case 'machine':
      return [{ identity: '', access: decision.access }];
    case 'deny':
      return (decision.among ?? []).map(({ name, access }) => ({ identity: name, access }));
    case 'allow-by-object-id':
    case 'unusable':
      return [];
  }
}

/** Whether a decision without what was refused counts; otherwise the refusal is the outcome. */
export function replacesRefusal(decision: Decision): boolean {
  return decision.kind !== 'unusable' && (decision.kind !== 'deny' || decision.among !== undefined);
}

/** Whether what it lacks may come: a missing object, or a right, which nobody can grant to a pod without ServiceAccount. */
export function isWorthWaiting(decision: Decision, denial: Denial): boolean {
  const isGrantable = denial.why === 'access-denied' && denial.subject.name !== '';
  return isGrantable || (decision.kind === 'deny' && decision.mayCome === true);
}
