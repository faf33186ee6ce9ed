import type { GrantedIdentity } from '../authorize/types.ts';
import { isForMissingRight } from '../authorize/missing-right.ts';
import type { Outcome } from '../respond/outcome.ts';
import { isTemporary } from '../tokens/errors.ts';
import { isOfEntra } from '../tokens/types.ts';
import { missingRightOf } from './rights.ts';
import { isUnattached, obtain, type TokenAttempt } from './obtain.ts';
import {
  permitFor,
  rightOf,
  type DecidedCall,
  type Permit,
  type ReviewedCall,
  type GrantPorts,
} from './permit.ts';
import { notThis } from './release.ts';

/**
 * Requests tokens of the pod's identities until one has the object id, which may be one that the machine does not have yet. The failure of one
 * identity does not end the search, since another namespace may have bound it.
 */
export function requestByObjectId(
  options: GrantPorts,
  { pod, reviewsUntil }: Pick<ReviewedCall, 'pod' | 'reviewsUntil'>,
  identities: readonly GrantedIdentity[],
): TokenAttempt {
  const isOwn = ({ name }: GrantedIdentity) => name.startsWith(`${pod.namespace}/`);
  const mayRequest = (identity: GrantedIdentity) => options.tokens.mayRequest(identity, pod.namespace);
  const isOwnDue = (next: GrantedIdentity, missing: readonly GrantedIdentity[]) =>
    !isOwn(next) && missing.some((one) => isOwn(one) && mayRequest(one));
  let failed: Outcome | undefined;
  /** The identities to ask for; from the second attempt on, those that were missing or not asked for yet. */
  let left = identities;

  const request = async (call: DecidedCall, identity: GrantedIdentity): Promise<Found> => {
    // Those that cannot be asked for again yet are passed over: many requests may wait for many identities.
    if (left !== identities && !mayRequest(identity)) return 'missing';
    const outcome = await obtainIfAllowed(options, call, permitFor(identity));
    if (isUnattached(outcome)) return 'missing';
    if (isCausedByIdentity(outcome, identity)) failed = preferRetryable(failed, outcome);
    else if (!hasOtherObjectId(outcome)) return outcome;
    return 'other';
  };
  /** The wait for those that are missing does not end because the pod has too many others, or since one of them has just changed. */
  const requestBeside = async (
    missing: readonly GrantedIdentity[],
    call: DecidedCall,
    identity: GrantedIdentity,
  ): Promise<Found | 'stop'> => {
    if (options.clock.elapsed() >= reviewsUntil || isOwnDue(identity, missing)) return 'stop';
    const found = await request(call, identity);
    return mayChangeSoon(found) ? 'stop' : found;
  };
  return async (call) => {
    const missing: GrantedIdentity[] = [];
    // First those of its own namespace: other namespaces may each bind a hundred identities to the pod that do not exist.
    const ownFirst = [...left.filter(isOwn), ...left.filter((one) => !isOwn(one))];
    const requested = new Set<GrantedIdentity>();
    for (const identity of ownFirst) {
      const found = await (missing.length === 0
        ? request(call, identity)
        : requestBeside(missing, call, identity));
      if (found === 'stop') break;
      requested.add(identity);
      if (found === 'missing') missing.push(identity);
      else if (found !== 'other') return { outcome: found };
    }
    left = [...ownFirst.filter((one) => !requested.has(one)), ...missing];
    return missing.length > 0 ? { missing } : { outcome: failed ?? notThis(pod, identities.map(labelOf)) };
  };
}

async function obtainIfAllowed(options: GrantPorts, call: DecidedCall, permit: Permit): Promise<Outcome> {
  return (await missingRightOf(options, call, rightOf(permit))) ?? obtain(options, call, permit);
}

type Found = Outcome | 'missing' | 'other';

/** Whether the outcome is not caused by the identity, and will probably change soon. */
function mayChangeSoon(found: Found): boolean {
  if (typeof found !== 'object') return false;
  const { kind } = found;
  return kind === 'token-failed'
    ? found.why === 'throttled'
    : kind === 'overloaded' || kind === 'rights-changed';
}

/** Whether the outcome is caused by this identity, and not by the metadata service, which all of them share. */
function isCausedByIdentity(outcome: Outcome, identity: GrantedIdentity): boolean {
  if (outcome.kind !== 'token-failed') return isForMissingRight(outcome);
  return isOfEntra(identity) || !isTemporary(outcome.why);
}

/** The first failure, unless only the other one is temporary: after a final one the pod would not retry. */
function preferRetryable(first: Outcome | undefined, other: Outcome | undefined): Outcome | undefined {
  if (!first || !other) return first ?? other;
  return isRetryable(other) && !isRetryable(first) ? other : first;
}

function isRetryable(outcome: Outcome): boolean {
  return outcome.kind === 'token-failed' ? isTemporary(outcome.why) : outcome.kind === 'access-unanswered';
}

/** Whether its token has another object id. */
function hasOtherObjectId(outcome: Outcome): boolean {
  return outcome.kind === 'denied' && outcome.denial.why === 'not-this-identity';
}

function labelOf(identity: GrantedIdentity): string {
  return identity.clientId || (identity.kind === 'identity' ? identity.resourceId : identity.name);
}
