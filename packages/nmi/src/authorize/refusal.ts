import { exemptionName } from './authorize.ts';
import type { Decision, GrantedIdentity, Refused } from './types.ts';

/** The identities whose rights are reviewed for the decision: without one of them, it is made again. */
export function reviewedFor(decision: Decision): readonly GrantedIdentity[] {
  switch (decision.kind) {
    case 'allow':
    case 'pending':
      return [decision.identity];
    case 'deny':
      return decision.among ?? [];
    case 'allow-by-object-id':
    case 'pass-through':
    case 'unusable':
      return [];
  }
}

/** Whether a decision without the refused identities counts; otherwise the refusal is the outcome. */
export function replacesRefusal(decision: Decision, refused: Refused): boolean {
  if (decision.kind === 'unusable') return false;
  if (decision.kind !== 'deny' || decision.among !== undefined) return true;
  // All that was refused is of other namespaces: a young pod waits for a binding of its own, as if nobody had offered anything.
  return decision.denial.why === 'no-binding' && !refused.has(exemptionName);
}
