import type { Tenant } from '@pod-identity/kit/core';
import type { Patience } from '../waiting/await-change.ts';
import { awaitDecision, type AwaitOptions, type Settled } from './await-decision.ts';
import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { CallerLimits } from '../waiting/caller-limits.ts';
import type { TokenRequest } from '../request/token-request.ts';
import { failureOf } from '../respond/failure-of.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Asker } from '../tokens/questions.ts';
import { TokenError } from '../tokens/errors.ts';
import type { Obtained, TokenSource } from '../tokens/source.ts';
import type { TokenSubject, TokenWish } from '../tokens/types.ts';

export interface GranterOptions extends AwaitOptions {
  readonly tokens: TokenSource;
  readonly limits: CallerLimits;
}

export interface GrantQuestion {
  readonly pod: PodView;
  readonly request: TokenRequest;
  readonly patience: Patience;
}

export interface Granter {
  /** Returns a promise only if the request has to wait. */
  grant(question: GrantQuestion): Outcome | Promise<Outcome>;
}
type Of<Kind extends Decision['kind']> = Extract<Decision, { readonly kind: Kind }>;
/** The token that the pod may get. */
interface Permit {
  readonly subject: TokenSubject;
  /** The client ids that the token may have; undefined: any. */
  readonly clientIds?: ReadonlySet<string> | undefined;
  /** Default: true. False: the identity may not be attached to the machine. */
  readonly isExpected?: boolean;
}
type Waiting = Pick<
  Extract<Outcome, { readonly kind: 'not-assigned'; readonly identity: string }>,
  'identity' | 'seen'
>;

/** The second half of every token request: the pod is known; decides, waits if necessary, and gets the token. */
export function createGranter(options: GranterOptions): Granter {
  const { authorizer, tokens } = options;

  return {
    grant(question) {
      const { pod, request } = question;
      const decision = authorizer.decide(pod, request.selector);
      // There is a cached token for a pending identity if it is attached to the host, whatever the records say.
      const permit = permitOf(decision);
      const known = permit && tokens.cached(wishFor(question, permit.subject), () => askerOf(options, pod));
      if (known) return tokenFor(question, permit, { issued: known, from: 'hit' });
      return serveInPlace(options, question, decision);
    },
  };
}

/** Serves a request that may have to wait. */
async function serveInPlace(
  options: GranterOptions,
  question: GrantQuestion,
  decision: Decision,
): Promise<Outcome> {
  const { pod, patience } = question;
  const place = options.limits.enter(tenantOf(pod), patience.caller);
  if (!place) return { kind: 'overloaded', pod: pod.key };
  try {
    const waiting = { ...question, patience: { ...patience, caller: { gone: place.ended } } };
    const outcome = await serve(options, waiting, decision);
    return place.isLost && outcome.kind !== 'token' ? { kind: 'overloaded', pod: pod.key } : outcome;
  } finally {
    place.leave();
  }
}

async function serve(options: GranterOptions, question: GrantQuestion, first: Decision): Promise<Outcome> {
  const { isSettled, decision } = await awaitDecision(options, question, first);
  if (isSettled) return serveSettled(options, question, decision);
  if (decision.kind === 'pending') return serveUnassigned(options, question, decision);
  return { kind: 'not-assigned', pod: question.pod.key, seen: 'unbound', denial: decision.denial };
}

async function serveSettled(
  options: GranterOptions,
  question: GrantQuestion,
  decision: Settled,
): Promise<Outcome> {
  switch (decision.kind) {
    case 'allow':
      return serveIdentity(options, question, decision.identity);
    case 'allow-by-object-id':
      return serveByObjectId(options, question, decision);
    case 'pass-through':
      return obtain(options, question, machinePermit(decision));
    case 'deny':
    case 'unusable':
      return failureOf(decision, question.pod.key);
  }
}

async function serveIdentity(
  options: GranterOptions,
  question: GrantQuestion,
  identity: GrantedIdentity,
): Promise<Outcome> {
  const outcome = await obtain(options, question, { subject: identity });
  return unlessMissing(outcome, { identity: identity.name, seen: 'assigned' });
}

/** Requests tokens of the pod's own identities until one has the object id. */
async function serveByObjectId(
  options: GranterOptions,
  question: GrantQuestion,
  decision: Of<'allow-by-object-id'>,
): Promise<Outcome> {
  const { key: pod } = question.pod;
  for (const identity of decision.identities) {
    const outcome = await serveIdentity(options, question, identity);
    if (outcome.kind !== 'token' || outcome.issued.objectId === decision.objectId) return outcome;
  }
  const [waiting] = decision.pending;
  if (waiting) return { kind: 'not-assigned', pod, identity: waiting.name, seen: 'created' };
  const offered = decision.identities.map((identity) => identity.clientId || nameOf(identity));
  return { kind: 'denied', pod, denial: { why: 'not-this-identity', offered } };
}

/** No record says that the identity is attached to the host, but it may be, for example if MIC is down: asks once. */
async function serveUnassigned(
  options: GranterOptions,
  question: GrantQuestion,
  decision: Of<'pending'>,
): Promise<Outcome> {
  if (question.patience.caller.gone.aborted) return failureOf(decision, question.pod.key);
  const { identity, seen } = decision;
  const outcome = await obtain(options, question, { subject: identity, isExpected: false });
  return unlessMissing(outcome, { identity: identity.name, seen });
}

async function obtain(options: GranterOptions, question: GrantQuestion, permit: Permit): Promise<Outcome> {
  const { tokens } = options;
  const { pod, patience } = question;
  const { subject, isExpected = true } = permit;
  try {
    const wish = { ...wishFor(question, subject), isExpected };
    const { deadline, caller } = patience;
    const asker = { ...askerOf(options, pod), signal: caller.gone, deadline };
    const obtained = await tokens.get(wish, asker);
    return tokenFor(question, permit, obtained);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { code: why, message: description, status, retryAfterMs } = error;
    const isExempt = subject.kind === 'machine';
    return { kind: 'token-failed', pod: pod.key, why, description, status, retryAfterMs, isExempt };
  }
}

/**
 * All tokens are returned through here. The metadata service may know more identities than an exception allows, and the cache may have
 * a token that another exception allowed, so the client id of the token itself is checked.
 */
function tokenFor({ pod, request }: GrantQuestion, permit: Permit, obtained: Obtained): Outcome {
  const { subject, clientIds } = permit;
  if (clientIds && !clientIds.has(obtained.issued.clientId ?? '')) {
    const denial = { why: 'not-this-identity', offered: [...clientIds].sort() } as const;
    return { kind: 'denied', pod: pod.key, denial };
  }
  const identity = subject.kind === 'machine' ? '' : subject.name;
  return {
    kind: 'token',
    pod: pod.key,
    uid: pod.uid,
    identity,
    ...obtained,
    resource: request.resource,
  };
}

function tenantOf({ namespace, uid }: PodView): Tenant {
  return { namespace, pod: uid };
}

function askerOf({ limits, clock }: GranterOptions, pod: PodView): Asker {
  return {
    tenant: tenantOf(pod),
    admit: (questions) => limits.admitUpstream(pod.uid, questions, clock.now()),
  };
}

function nameOf(identity: GrantedIdentity): string {
  return identity.kind === 'identity' ? identity.resourceId : identity.name;
}

function machinePermit({ selector, clientIds }: Of<'pass-through'>): Permit {
  return { subject: { kind: 'machine', ...selector }, clientIds };
}

/** The token that may be returned from the cache; undefined: none. */
function permitOf(decision: Decision): Permit | undefined {
  if (decision.kind === 'pass-through') return machinePermit(decision);
  return decision.kind === 'allow' || decision.kind === 'pending'
    ? { subject: decision.identity }
    : undefined;
}

function wishFor({ request }: GrantQuestion, subject: TokenSubject): TokenWish {
  const { resource, bypassCache, passThrough } = request;
  return { subject, resource, bypassCache, passThrough, isExpected: true };
}

/** While an identity is being assigned, the metadata service may not know it yet: this is no refusal. */
function unlessMissing(outcome: Outcome, waiting: Waiting): Outcome {
  const isMissing = outcome.kind === 'token-failed' && outcome.why === 'not-on-host';
  return isMissing ? { kind: 'not-assigned', pod: outcome.pod, ...waiting } : outcome;
}
