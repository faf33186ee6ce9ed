import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { isTemporary } from '../tokens/errors.ts';
import { barredBy, isForLackOfRight } from './access-barrier.ts';
import type { ObtainOptions } from './obtain.ts';
import { permitFor } from './permit.ts';
import { notThis, type WaitingQuestion } from './release.ts';
import { serveIdentity } from './serve-identity.ts';

type ByObjectId = Extract<Decision, { readonly kind: 'allow-by-object-id' }>;
type Pending = Extract<Decision, { readonly kind: 'pending' }>;

/**
 * Requests tokens of the pod's own identities until one has the object id. One that is not attached although a record says so, which anyone
 * may write, is waited for only if no other one has it. The failure of one says nothing of the others: another namespace may have bound it.
 */
export async function serveByObjectId(
  options: ObtainOptions,
  question: WaitingQuestion,
  decision: ByObjectId,
): Promise<Outcome> {
  const { identities } = decision;
  const first = await requestEach(options, question, { identities, isExpected: false });
  if (first.found) return first.found;
  const waited = await requestEach(options, question, { identities: first.missing, isExpected: true });
  if (waited.found) return waited.found;
  const pending = await servePending(options, question, decision);
  const failed = worthMore(first.failed, waited.failed);
  const told = pending?.kind === 'not-assigned' ? pending : (failed ?? pending);
  return told ?? notThis(question.pod, identities.map(labelOf));
}

/** No record says that any of them is attached to the host, but they may be: requests a token of each once. */
export async function serveUnrecorded(
  options: ObtainOptions,
  question: WaitingQuestion,
  { anyOf: identities, seen }: Required<Pick<Pending, 'anyOf' | 'seen'>>,
): Promise<Outcome> {
  const { found, missing, failed } = await requestEach(options, question, { identities, isExpected: false });
  if (found) return found;
  const [unassigned] = missing;
  if (unassigned) return { kind: 'not-assigned', pod: question.pod.key, identity: unassigned.name, seen };
  return failed ?? notThis(question.pod, identities.map(labelOf));
}

interface Wanted extends Pick<ByObjectId, 'identities'> {
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
  { identities, isExpected }: Wanted,
): Promise<Requested> {
  const missing: GrantedIdentity[] = [];
  let failed: Outcome | undefined;
  for (const identity of identities) {
    const outcome = await serveIdentity(options, question, { ...permitFor(identity), isExpected });
    if (outcome.kind === 'not-assigned' && !isExpected) missing.push(identity);
    else if (isOfIdentity(outcome, identity)) failed = worthMore(failed, outcome);
    else if (!isOfAnother(outcome)) return { found: outcome, missing, failed };
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

/** Whether its token has another object id. */
export function isOfAnother(outcome: Outcome): boolean {
  return outcome.kind === 'denied' && outcome.denial.why === 'not-this-identity';
}

function labelOf(identity: GrantedIdentity): string {
  return identity.clientId || (identity.kind === 'identity' ? identity.resourceId : identity.name);
}
