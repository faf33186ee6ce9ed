import type { Decision, Denial, GrantedIdentity } from './types.ts';

/** The identities whose rights are reviewed for the decision: without one of them, it is made again. */
export function reviewedFor(decision: Decision): readonly GrantedIdentity[] {
  switch (decision.kind) {
    case 'allow':
      return [decision.identity];
    case 'deny':
      return decision.among ?? [];
    case 'allow-by-object-id':
    case 'pass-through':
    case 'unusable':
      return [];
  }
}

/** Whether a decision without what was refused counts; otherwise the refusal is the outcome. */
export function replacesRefusal(decision: Decision): boolean {
  return decision.kind !== 'unusable' && (decision.kind !== 'deny' || decision.among !== undefined);
}

/** Whether it is for lack of a right that somebody may still grant: nobody can to a pod without ServiceAccount. */
export function isGrantable(denial: Denial): boolean {
  return denial.why === 'access-denied' && denial.subject.name !== '';
}
