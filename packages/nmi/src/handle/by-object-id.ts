import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { isTemporary } from '../tokens/errors.ts';
import { isForLackOfRight } from './access-barrier.ts';
import { obtain } from './obtain.ts';
import { permitFor } from './permit.ts';
import { notThis, type WaitingQuestion } from './release.ts';
import {
  isUnattached,
  untilAttached,
  type AttachOptions,
  type Attempt,
  type Attempts,
} from './until-attached.ts';

/**
 * Requests tokens of the pod's own identities until one has the object id, and waits for those that the machine does not have yet: one of them may
 * have it. The failure of one says nothing of the others: another namespace may have bound it.
 */
export function serveByObjectId(
  options: AttachOptions,
  question: WaitingQuestion,
  decision: Extract<Decision, { readonly kind: 'allow-by-object-id' }>,
): Promise<Outcome> {
  const { identities } = decision;
  const { namespace } = question.pod;
  const isOwn = ({ name }: GrantedIdentity) => name.startsWith(`${namespace}/`);
  const mayAsk = (identity: GrantedIdentity) => options.tokens.mayAsk(identity, namespace);
  let failed: Outcome | undefined;
  let mayAskNext: typeof mayAsk = () => true;
  const isOwnDue = (next: GrantedIdentity, missing: readonly GrantedIdentity[]) =>
    !isOwn(next) && missing.some((one) => isOwn(one) && mayAsk(one));
  const request = async (asking: WaitingQuestion, identity: GrantedIdentity) => {
    const outcome = await obtain(options, asking, permitFor(identity));
    if (isUnattached(outcome)) return 'missing';
    if (isOfIdentity(outcome, identity)) failed = worthMore(failed, outcome);
    else if (!isOfAnother(outcome)) return outcome;
    return 'other';
  };
  const attempt: Attempts['attempt'] = async (asking, all) => {
    const missing: GrantedIdentity[] = [];
    // Those that cannot be asked for again yet are passed over: many requests may wait for many identities.
    const isAsked = mayAskNext;
    mayAskNext = mayAsk;
    // Other namespaces may bind a hundred each to the pod, which exist nowhere.
    const ownFirst = [...all.filter(isOwn), ...all.filter((one) => !isOwn(one))];
    for (const [index, identity] of ownFirst.entries()) {
      const isOver = options.clock.elapsed() >= question.reviewsUntil;
      const mustPause = isOver || isOwnDue(identity, missing);
      if (mustPause && isNotEmpty(missing)) return { missing, later: ownFirst.slice(index) };
      const found = isAsked(identity) ? await request(asking, identity) : 'missing';
      if (found === 'missing') missing.push(identity);
      else if (found !== 'other') return unlessThrottled(found, missing, ownFirst.slice(index));
    }
    if (isNotEmpty(missing)) return { missing };
    return { outcome: failed ?? notThis(question.pod, identities.map(labelOf)) };
  };
  return untilAttached(options, question, { decision, identities, attempt });
}

/** The wait for those that are missing does not end because the pod has too many others. */
function unlessThrottled(
  outcome: Outcome,
  missing: GrantedIdentity[],
  later: readonly GrantedIdentity[],
): Attempt {
  const isThrottled = outcome.kind === 'token-failed' && outcome.why === 'throttled';
  return isThrottled && isNotEmpty(missing) ? { missing, later } : { outcome };
}

function isNotEmpty<T>(all: T[]): all is [T, ...T[]] {
  return all.length > 0;
}

/** Not of the metadata service, which is the same for all. */
function isOfIdentity(outcome: Outcome, { kind }: GrantedIdentity): boolean {
  if (outcome.kind !== 'token-failed') return isForLackOfRight(outcome);
  return kind === 'service-principal' || !isTemporary(outcome.why);
}

/** The first one, unless only the other one may pass: the pod would give up. */
function worthMore(first: Outcome | undefined, other: Outcome | undefined): Outcome | undefined {
  if (!first || !other) return first ?? other;
  return mayPass(other) && !mayPass(first) ? other : first;
}

function mayPass(outcome: Outcome): boolean {
  return outcome.kind === 'token-failed' ? isTemporary(outcome.why) : outcome.kind === 'access-unanswered';
}

/** Whether its token has another object id. */
export function isOfAnother(outcome: Outcome): boolean {
  return outcome.kind === 'denied' && outcome.denial.why === 'not-this-identity';
}

function labelOf(identity: GrantedIdentity): string {
  return identity.clientId || (identity.kind === 'identity' ? identity.resourceId : identity.name);
}
