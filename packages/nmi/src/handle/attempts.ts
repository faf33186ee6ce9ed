import { refusedBy } from '../authorize/lack.ts';
import type { GrantedIdentity } from '../authorize/types.ts';
import { requestByObjectId } from './by-object-id.ts';
import type { Granted } from './decide.ts';
import { isUnattached, obtain, type Attempt, type Attempting } from './obtain.ts';
import {
  machinePermit,
  namedBy,
  permitFor,
  type Permit,
  type ReviewedCall,
  type Granting,
} from './permit.ts';
import { changedFor } from './release.ts';

/** Requests a token of what the decision names. */
export type Attempts = (call: ReviewedCall, granted: Granted) => Promise<Attempt>;

/** For one request. What is known of its identities is kept while one is missing and the decision names the same. */
export function createAttempts(options: Granting): Attempts {
  let last: { readonly named: string; readonly attempt: Attempting } | undefined;
  return async (call, { decision, refused }) => {
    const named = namedBy(decision);
    const attempt = last?.named === named ? last.attempt : attemptsFor(options, call, decision);
    const attempted = await attempt({ ...call, refused });
    last = 'missing' in attempted ? { named, attempt } : undefined;
    return attempted;
  };
}

function attemptsFor(options: Granting, call: ReviewedCall, decision: Granted['decision']): Attempting {
  switch (decision.kind) {
    case 'allow':
      return requestOne(options, permitFor(decision.identity), [decision.identity]);
    case 'pass-through':
      return requestOne(options, machinePermit(decision), []);
    case 'allow-by-object-id':
      return requestByObjectId(options, call, decision.identities);
  }
}

/** A right that has ended meanwhile is a reason to decide again. */
function requestOne(options: Granting, permit: Permit, identities: readonly GrantedIdentity[]): Attempting {
  return async (call) => {
    const outcome = await obtain(options, call, permit);
    if (isUnattached(outcome) && identities.length > 0) return { missing: identities };
    return { outcome: refusedBy(outcome) === undefined ? outcome : changedFor(call) };
  };
}
