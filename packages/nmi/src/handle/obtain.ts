import type { Clock, Tenant } from '@pod-identity/kit/core';
import type { AccessGuard } from '../access/guard.ts';
import type { Access } from '../access/types.ts';
import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { TokenRequest } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { TokenError } from '../tokens/errors.ts';
import type { Asker } from '../tokens/questions.ts';
import type { Obtained, TokenSource } from '../tokens/source.ts';
import type { TokenSubject, TokenWish } from '../tokens/types.ts';
import type { Patience } from '../waiting/await-change.ts';
import type { CallerLimits } from '../waiting/caller-limits.ts';
import { barredFrom } from './access-barrier.ts';

export interface ObtainOptions {
  readonly tokens: TokenSource;
  readonly limits: CallerLimits;
  readonly access: AccessGuard;
  readonly clock: Clock;
}

export interface GrantQuestion {
  readonly pod: PodView;
  readonly request: TokenRequest;
  readonly patience: Patience;
  /** When rights that are not known yet count as not known, by the clock; default: never. */
  readonly reviewsUntil?: number;
}

/** What the pod may have, by its bindings or its exceptions. */
export interface Permit {
  readonly subject: TokenSubject;
  /** What its ServiceAccount must be allowed to use besides; undefined: nothing. */
  readonly access: Access | undefined;
  /** The client ids that the token may have; undefined: any. */
  readonly clientIds?: ReadonlySet<string> | undefined;
  /** Default: true. False: the identity may not be attached to the machine. */
  readonly isExpected?: boolean;
}

type PassThrough = Extract<Decision, { readonly kind: 'pass-through' }>;

export function permitFor(identity: GrantedIdentity): Permit {
  return { subject: identity, access: identity.access };
}

/** What an exempt pod asks the machine for. */
export function machinePermit({ selector, clientIds, access }: PassThrough): Permit {
  return { subject: { kind: 'machine', ...selector }, access, clientIds };
}

/** The token that may be returned from the cache; undefined: none. */
export function permitOf(decision: Decision): Permit | undefined {
  if (decision.kind === 'pass-through') return machinePermit(decision);
  return decision.kind === 'allow' || decision.kind === 'pending' ? permitFor(decision.identity) : undefined;
}

/** Out of memory; undefined: it takes a wait. */
export function recall(options: ObtainOptions, question: GrantQuestion, permit: Permit): Outcome | undefined {
  const { tokens, access } = options;
  const { pod } = question;
  if (permit.access && access.now(permit.access, tenantOf(pod))?.verdict !== 'allowed') return undefined;
  const issued = tokens.cached(wishFor(question, permit.subject), () => askerOf(options, pod));
  return issued && tokenFor(question, permit, { issued, from: 'hit' });
}

/** A token, whatever that takes. The right is looked at before anything is asked for, and again before the token leaves. */
export async function obtain(
  options: ObtainOptions,
  question: GrantQuestion,
  permit: Permit,
): Promise<Outcome> {
  const { tokens } = options;
  const { pod, patience } = question;
  const { subject, isExpected = true } = permit;
  const barred = await barredBy(options, question, permit);
  if (barred) return barred;
  try {
    const wish = { ...wishFor(question, subject), isExpected };
    const { deadline, caller } = patience;
    const asker = { ...askerOf(options, pod), signal: caller.gone, deadline };
    const obtained = await tokens.get(wish, asker);
    return (await barredBy(options, question, permit)) ?? tokenFor(question, permit, obtained);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { code: why, message: description, status, retryAfterMs } = error;
    const isExempt = subject.kind === 'machine';
    return { kind: 'token-failed', pod: pod.key, why, description, status, retryAfterMs, isExempt };
  }
}

/**
 * What is told instead of a token for lack of a right. A right that is not known at `reviewsUntil` is a refusal that passes: a request may need
 * many reviews.
 */
export async function barredBy(
  { access: guard, clock }: Pick<ObtainOptions, 'access' | 'clock'>,
  { pod, reviewsUntil = Infinity }: Pick<GrantQuestion, 'pod' | 'reviewsUntil'>,
  { subject, access }: Permit,
): Promise<Outcome | undefined> {
  if (!access) return undefined;
  const identity = subject.kind === 'machine' ? '' : subject.name;
  if (reviewsUntil === Infinity) return barredFrom(guard, pod, { identity, access });
  const { promise: tooLate, resolve } = Promise.withResolvers<Outcome>();
  const timer = clock.after(Math.max(0, reviewsUntil - clock.now()), () =>
    resolve({ kind: 'access-unanswered', pod: pod.key, identity }),
  );
  try {
    return await Promise.race([barredFrom(guard, pod, { identity, access }), tooLate]);
  } finally {
    timer.cancel();
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

export function tenantOf({ namespace, uid }: PodView): Tenant {
  return { namespace, pod: uid };
}

function askerOf({ limits, clock }: ObtainOptions, pod: PodView): Asker {
  return {
    tenant: tenantOf(pod),
    admit: (questions) => limits.admitUpstream(pod.uid, questions, clock.now()),
  };
}

function wishFor({ request }: GrantQuestion, subject: TokenSubject): TokenWish {
  const { resource, bypassCache } = request;
  return { subject, resource, bypassCache, isExpected: true };
}
