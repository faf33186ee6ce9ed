import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { barredBy, isForLackOfRight } from './access-barrier.ts';
import type { ObtainOptions } from './obtain.ts';
import { permitFor, type GrantQuestion } from './permit.ts';
import type { WaitingQuestion } from './release.ts';
import { serveIdentity } from './serve-identity.ts';

type ByObjectId = Extract<Decision, { readonly kind: 'allow-by-object-id' }>;

/**
 * Requests tokens of the pod's own identities until one has the object id. One that is not attached although a record says so, which anyone
 * may write, is waited for only if no other one has it.
 */
export async function serveByObjectId(
  options: ObtainOptions,
  question: WaitingQuestion,
  decision: ByObjectId,
): Promise<Outcome> {
  const { found, missing, barred } = await requestEach(options, question, decision);
  const outcome = found ?? (await awaitEach(options, question, { ...decision, identities: missing }));
  if (outcome) return outcome;
  const pending = await servePending(options, question, decision);
  const told = pending?.kind === 'not-assigned' ? pending : (barred ?? pending);
  if (told) return told;
  const offered = decision.identities.map((identity) => identity.clientId || nameOf(identity));
  return { kind: 'denied', pod: question.pod.key, denial: { why: 'not-this-identity', offered } };
}

interface Requested {
  readonly found?: Outcome;
  /** The metadata service does not know them. */
  readonly missing: readonly GrantedIdentity[];
  /** What is told for lack of a right. */
  readonly barred: Outcome | undefined;
}

async function requestEach(
  options: ObtainOptions,
  question: WaitingQuestion,
  decision: ByObjectId,
): Promise<Requested> {
  const missing: GrantedIdentity[] = [];
  let barred: Outcome | undefined;
  for (const identity of decision.identities) {
    const outcome = await serveIdentity(options, question, { ...permitFor(identity), isExpected: false });
    if (isForLackOfRight(outcome)) barred ??= outcome;
    else if (outcome.kind === 'not-assigned') missing.push(identity);
    else if (isFinal(outcome, decision)) return { found: outcome, missing, barred };
  }
  return { missing, barred };
}

async function awaitEach(
  options: ObtainOptions,
  question: WaitingQuestion,
  decision: ByObjectId,
): Promise<Outcome | undefined> {
  for (const identity of decision.identities) {
    const outcome = await serveIdentity(options, question, permitFor(identity));
    if (isFinal(outcome, decision)) return outcome;
  }
  return undefined;
}

/** An identity that is being assigned may have the object id, if the ServiceAccount may use it. */
async function servePending(
  options: ObtainOptions,
  question: GrantQuestion,
  { pending }: ByObjectId,
): Promise<Outcome | undefined> {
  const { key: pod } = question.pod;
  let barred: Outcome | undefined;
  for (const identity of pending) {
    const outcome = await barredBy(options, question, permitFor(identity));
    if (!outcome) return { kind: 'not-assigned', pod, identity: identity.name, seen: 'created' };
    barred ??= outcome;
  }
  return barred;
}

/** Anything but a token of another identity. */
function isFinal(outcome: Outcome, { objectId }: ByObjectId): boolean {
  return outcome.kind !== 'token' || outcome.issued.objectId === objectId;
}

function nameOf(identity: GrantedIdentity): string {
  return identity.kind === 'identity' ? identity.resourceId : identity.name;
}
