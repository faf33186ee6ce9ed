import { refusedBy } from '../authorize/missing-right.ts';
import type { GrantedIdentity } from '../authorize/types.ts';
import { requestByObjectId } from './by-object-id.ts';
import type { Allowed } from './decide.ts';
import { isUnattached, obtain, type AttemptResult, type TokenAttempt } from './obtain.ts';
import {
  machinePermit,
  keyOfDecision,
  permitFor,
  type Permit,
  type ReviewedCall,
  type GrantPorts,
} from './permit.ts';
import { changedFor } from './release.ts';

/** Requests a token of what the decision names. */
export type TokenAttempts = (call: ReviewedCall, granted: Allowed) => Promise<AttemptResult>;

/** For one request. What is known of its identities is kept while one is missing and the decision names the same. */
export function createTokenAttempts(options: GrantPorts): TokenAttempts {
  let last: { readonly named: string; readonly attempt: TokenAttempt } | undefined;
  return async (call, { decision, refused }) => {
    const named = keyOfDecision(decision);
    const attempt = last?.named === named ? last.attempt : attemptFor(options, call, decision);
    const attempted = await attempt({ ...call, refused });
    last = 'missing' in attempted ? { named, attempt } : undefined;
    return attempted;
  };
}

function attemptFor(options: GrantPorts, call: ReviewedCall, decision: Allowed['decision']): TokenAttempt {
  switch (decision.kind) {
    case 'allow':
      return requestOne(options, permitFor(decision.identity), [decision.identity]);
    case 'machine':
      return requestOne(options, machinePermit(decision), []);
    case 'allow-by-object-id':
      return requestByObjectId(options, call, decision.identities);
  }
}

/** A right that has ended meanwhile is a reason to decide again. */
function requestOne(
  options: GrantPorts,
  permit: Permit,
  identities: readonly GrantedIdentity[],
): TokenAttempt {
  return async (call) => {
    const outcome = await obtain(options, call, permit);
    if (isUnattached(outcome) && identities.length > 0) return { missing: identities };
    return { outcome: refusedBy(outcome) === undefined ? outcome : changedFor(call) };
  };
}
