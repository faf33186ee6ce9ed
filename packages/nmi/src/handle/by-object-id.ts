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
  const { namespace } = question.pod;
  const identities = ownFirst(decision.identities, namespace);
  let failed: Outcome | undefined;
  let isFirst = true;
  const attempt: Attempts['attempt'] = async (asking, all) => {
    const missing: GrantedIdentity[] = [];
    // Those that cannot be asked for again yet are passed over: many requests may wait for many identities.
    const isAsked = isFirst
      ? () => true
      : (identity: GrantedIdentity) => options.tokens.mayAsk(identity, namespace);
    isFirst = false;
    for (const [index, identity] of all.entries()) {
      if (!isAsked(identity)) {
        missing.push(identity);
        continue;
      }
      const outcome = await obtain(options, asking, permitFor(identity));
      if (isUnattached(outcome)) missing.push(identity);
      else if (isOfIdentity(outcome, identity)) failed = worthMore(failed, outcome);
      else if (!isOfAnother(outcome)) return goOnLater({ missing, later: all.slice(index) }, outcome);
    }
    if (isNotEmpty(missing)) return { missing };
    return { outcome: failed ?? notThis(question.pod, identities.map(labelOf)) };
  };
  return untilAttached(options, question, { decision, identities, attempt });
}

/** Other namespaces may bind a hundred identities each to the pod, which exist nowhere. */
function ownFirst(all: readonly GrantedIdentity[], namespace: string): readonly GrantedIdentity[] {
  const isOwn = ({ name }: GrantedIdentity) => name.startsWith(`${namespace}/`);
  return [...all.filter(isOwn), ...all.filter((one) => !isOwn(one))];
}

interface Left {
  readonly missing: GrantedIdentity[];
  readonly later: readonly GrantedIdentity[];
}

/** The wait for those that are missing does not end because the pod has too many others. */
function goOnLater({ missing, later }: Left, outcome: Outcome): Attempt {
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
