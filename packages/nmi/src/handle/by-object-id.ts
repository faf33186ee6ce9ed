import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { isTemporary } from '../tokens/errors.ts';
import { barredBy, isForLackOfRight } from './access-barrier.ts';
import type { ObtainOptions } from './obtain.ts';
import { permitFor } from './permit.ts';
import type { WaitingQuestion } from './release.ts';
import { serveIdentity } from './serve-identity.ts';

type ByObjectId = Extract<Decision, { readonly kind: 'allow-by-object-id' }>;

/**
 * Requests tokens of the pod's own identities until one has the object id. One that is not attached although a record says so, which anyone
 * may write, is waited for only if no other one has it. The failure of one says nothing of the others: another namespace may have bound it.
 */
export async function serveByObjectId(
  options: ObtainOptions,
  question: WaitingQuestion,
  decision: ByObjectId,
): Promise<Outcome> {
  const first = await requestEach(options, question, { ...decision, isExpected: false });
  if (first.found) return first.found;
  const wanted = { ...decision, identities: first.missing, isExpected: true };
  const waited = await requestEach(options, question, wanted);
  if (waited.found) return waited.found;
  const pending = await servePending(options, question, decision);
  const failed = worthMore(first.failed, waited.failed);
  const told = pending?.kind === 'not-assigned' ? pending : (failed ?? pending);
  if (told) return told;
  const offered = decision.identities.map((identity) => identity.clientId || nameOf(identity));
  return { kind: 'denied', pod: question.pod.key, denial: { why: 'not-this-identity', offered } };
}

interface Wanted extends Pick<ByObjectId, 'identities' | 'objectId'> {
  readonly isExpected: boolean;
}

interface Requested {
  readonly found?: Outcome;
  /** The metadata service does not know them. */
  readonly missing: readonly GrantedIdentity[];
  readonly failed: Outcome | undefined;
}

async function requestEach(
  options: ObtainOptions,
  question: WaitingQuestion,
  wanted: Wanted,
): Promise<Requested> {
  const { identities, isExpected } = wanted;
  const missing: GrantedIdentity[] = [];
  let failed: Outcome | undefined;
  for (const identity of identities) {
    const outcome = await serveIdentity(options, question, { ...permitFor(identity), isExpected });
    if (outcome.kind === 'not-assigned' && !isExpected) missing.push(identity);
    else if (isOfIdentity(outcome, identity)) failed = worthMore(failed, outcome);
    else if (isFinal(outcome, wanted)) return { found: outcome, missing, failed };
  }
  return { missing, failed };
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

/** An identity that is being assigned may have the object id, if the ServiceAccount may use it. */
async function servePending(
  options: ObtainOptions,
  question: WaitingQuestion,
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
function isFinal(outcome: Outcome, { objectId }: Pick<ByObjectId, 'objectId'>): boolean {
  return outcome.kind !== 'token' || outcome.issued.objectId === objectId;
}

function nameOf(identity: GrantedIdentity): string {
  return identity.kind === 'identity' ? identity.resourceId : identity.name;
}
