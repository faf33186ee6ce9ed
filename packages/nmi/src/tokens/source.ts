// Room: one token for an identity that the caller may use already: memory, shared calls, remembered failures.
// It must not know requests or responses, or decide who may use which identity.
import type { Clock } from '@pod-identity/kit/core';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { createQuestions, type Asker, type Question, type Questions } from './questions.ts';
import { createSetbacks, type Setbacks } from './setbacks.ts';
import { ageOf } from './age.ts';
import { redactId, TokenError } from './errors.ts';
import { createTokenMemory, keyOf, type Entry, type TokenMemory } from './memory.ts';
import type { IssuedToken, TokenSubject, TokenUpstream, TokenWish } from './types.ts';
import { createUnknownIdentities, type UnknownIdentities } from './unknown-identities.ts';
import { askedBy, untilKnown } from './until-known.ts';

export interface TokenSource {
  /** A fresh token from memory; undefined if one must be requested. Renewing it is charged to the asker. */
  cached(wish: TokenWish, asker: () => Asker): IssuedToken | undefined;
  /** From memory or by requests, which are charged to the asker. Fails with a TokenError. */
  get(wish: TokenWish, asker: Asker): Promise<Obtained>;
  /** Removes the tokens of all other subjects. */
  prune(keep: (subject: TokenSubject) => boolean): void;
  /** Removes all tokens of the subject with this `keyOf`. */
  forget(key: string): void;
}

/** From memory, from a running request, from a new one, or from memory because a new one could not be had. */
export type TokenOrigin = 'hit' | 'joined' | 'miss' | 'stale';

export interface Obtained {
  readonly issued: IssuedToken;
  readonly from: TokenOrigin;
}

export interface TokenSourceOptions {
  readonly upstream: TokenUpstream;
  readonly queueFor: (subject: TokenSubject) => TurnQueue;
  /** How long requests for an expected identity that the service does not know are repeated. */
  readonly holdMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether a token that has come may be kept; default: yes. */
  readonly mayKeep?: (subject: TokenSubject) => boolean;
  /** Called for each token that is returned from memory. */
  readonly onRecalled?: (subject: TokenSubject) => void;
}

const entriesKept = 2_000;
/** A token is not returned in its last seconds, even if no other one can be had. */
const lastUseMs = 10_000;
const mismatchKeptMs = 60_000;
/** How long a caller waits for a new token if there is a valid old one. */
const patienceMs = 1_000;

/**
 * Keeps tokens in memory and makes one request at a time for each. It does not decide who may get a token. A token that is used in the
 * later part of its life is renewed in the background; if that fails, the old one is returned while it is valid.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock, onRecalled } = options;
  const memory = createTokenMemory(entriesKept, clock);
  const setbacks = createSetbacks(options);
  const unknown = createUnknownIdentities(options.random);
  const flights = createQuestions<IssuedToken>();
  const stores = { memory, setbacks, unknown, flights };
  const join = joinInto(stores, options);
  const fetchOnce = fetchThrough(stores, join, clock);

  const recall = (wish: TokenWish): Entry | undefined =>
    wish.bypassCache ? undefined : memory.recall(wish.subject, wish.resource);
  const oldOf = (wish: TokenWish): IssuedToken | undefined => {
    const issued = recall(wish)?.issued;
    return issued && isUsable(issued, wish.subject, clock.now()) ? issued : undefined;
  };

  const fresh = (wish: TokenWish, asker: () => Asker): IssuedToken | undefined => {
    const entry = recall(wish);
    const now = clock.now();
    if (!entry || now >= entry.age.freshUntil || hasOtherClientId(entry.issued, wish.subject))
      return undefined;
    onRecalled?.(wish.subject);
    const isDue = now >= entry.age.refreshAt && setbacks.mayTry(setbackName(wish));
    // Errors are ignored: when the token is old, the next caller requests it again and gets the error.
    if (isDue && !flights.isUnderWay(flightName(wish))) void join(wish, asker()).catch(() => undefined);
    return entry.issued;
  };

  /** A new token if it can be had soon, otherwise the old one while it is valid. */
  const renew = async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const issued = oldOf(wish);
    if (!issued) return fetchOnce(wish, asker);
    const old: Obtained = { issued, from: 'stale' };
    if (!flights.isUnderWay(flightName(wish)) && !setbacks.mayTry(setbackName(wish))) return old;
    return within(fetchOnce(wish, asker).catch(insteadOf(old)), { clock, late: old });
  };

  const once = async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const known = fresh(wish, () => asker) ?? recentMismatch(memory, wish, clock.now());
    const obtained: Obtained = known ? { issued: known, from: 'hit' } : await renew(wish, asker);
    if (hasOtherClientId(obtained.issued, wish.subject)) throw anotherIdentity(obtained.issued, wish.subject);
    return obtained;
  };

  return {
    cached: fresh,
    get: untilKnown({ once, unknown, hasOld: (wish) => oldOf(wish) !== undefined }, options),
    prune: (keep) => memory.prune(keep),
    forget: (key) => memory.forgetAll(key),
  };
}

type Join = (wish: TokenWish, asker: Asker) => Promise<IssuedToken>;

/** Joins a running request or makes one, unless it is known to fail. */
function fetchThrough({ setbacks, unknown, flights }: Stores, join: Join, clock: Clock) {
  return async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const isUnderWay = flights.isUnderWay(flightName(wish));
    const known = isUnderWay ? undefined : unknown.recall(askedBy(asker, wish), clock.now());
    const refused = isUnderWay ? undefined : (setbacks.refusal(setbackName(wish)) ?? known?.error);
    if (refused) throw refused;
    const issued = await join(wish, asker);
    return { issued, from: isUnderWay ? 'joined' : 'miss' };
  };
}

function isUsable(issued: IssuedToken, subject: TokenSubject, now: number): boolean {
  return issued.access.expiresOnTimestamp - lastUseMs > now && !hasOtherClientId(issued, subject);
}

/** Returns the old token instead of a temporary failure. */
function insteadOf(old: Obtained): (error: unknown) => Obtained {
  return (error) => {
    if (error instanceof TokenError && passing.has(error.code)) return old;
    throw error;
  };
}

/** The result of the promise, or `late` if it takes too long. */
function within(promise: Promise<Obtained>, given: { clock: Clock; late: Obtained }): Promise<Obtained> {
  const { promise: settled, resolve, reject } = Promise.withResolvers<Obtained>();
  const timer = given.clock.after(patienceMs, () => resolve(given.late));
  promise.then(resolve, reject).finally(() => timer.cancel());
  return settled;
}

interface Stores {
  readonly memory: TokenMemory;
  readonly setbacks: Setbacks;
  readonly unknown: UnknownIdentities;
  readonly flights: Questions<IssuedToken>;
}

/** Joins a running request, or makes one and stores the token unless it has special claims. */
function joinInto({ memory, setbacks, flights }: Stores, options: TokenSourceOptions): Join {
  const { upstream, clock, random, queueFor, mayKeep = () => true } = options;
  let questions = 0;

  const askAndStore = async (wish: TokenWish, namespace: string): Promise<IssuedToken> => {
    const question = ++questions;
    const issued = await upstream.ask(wish).catch((error: unknown) => {
      if (error instanceof TokenError) setbacks.note(setbackName(wish), error);
      throw error;
    });
    setbacks.clear(setbackName(wish));
    const now = clock.now();
    const age = ageOf({ now, expiresOn: issued.access.expiresOnTimestamp }, random());
    // A token with special claims is only for its caller. The request also means that the stored token is not good.
    if (isSpecial(wish)) memory.forget(wish.subject, wish.resource);
    else if (mayKeep(wish.subject))
      memory.store(wish.subject, wish.resource, { issued, storedAt: now, age, question, namespace });
    return issued;
  };

  return (wish, asker) => {
    const question: Question<IssuedToken> = {
      queue: queueFor(wish.subject),
      cost: costOf(wish.subject),
      ask: () => askAndStore(wish, asker.tenant.namespace),
    };
    return flights.join(flightName(wish), asker, question);
  };
}

/** One request for each tenant. */
function costOf(subject: TokenSubject): number {
  return subject.kind === 'service-principal' ? 1 + subject.auxiliaryTenantIds.length : 1;
}

/** A token with another client id than the AzureIdentity is kept for a while: otherwise a wrong object would cost a request each time. */
function recentMismatch(
  memory: TokenMemory,
  { subject, resource }: TokenWish,
  now: number,
): IssuedToken | undefined {
  const entry = memory.recall(subject, resource);
  return entry && hasOtherClientId(entry.issued, subject) && now - entry.storedAt < mismatchKeptMs
    ? entry.issued
    : undefined;
}

const passing: ReadonlySet<TokenError['code']> = new Set(['throttled', 'updating', 'unavailable'] as const);

function isSpecial({ passThrough }: TokenWish): boolean {
  for (const name in passThrough) if (Object.hasOwn(passThrough, name)) return true;
  return false;
}

/** Wishes with the same name can share a request. */
function flightName(wish: TokenWish): string {
  const special = isSpecial(wish) ? JSON.stringify(Object.entries(wish.passThrough).sort()) : '';
  return `${wish.bypassCache} ${wish.isExpected} ${special} ${keyOf(wish.subject)} ${wish.resource}`;
}

/** A failure of one wish applies to all with the same name. */
function setbackName({ subject, resource }: TokenWish): string {
  return `${keyOf(subject)} ${resource}`;
}

/** Whether the token has another client id than the AzureIdentity, which is out of date or forged then: the pod must not get it. */
function hasOtherClientId({ clientId }: IssuedToken, subject: TokenSubject): boolean {
  return (
    subject.kind === 'identity' &&
    subject.clientId !== '' &&
    clientId !== undefined &&
    clientId !== subject.clientId
  );
}

function anotherIdentity({ clientId = '' }: IssuedToken, subject: TokenSubject): TokenError {
  const name = subject.kind === 'identity' ? subject.name : '';
  return new TokenError(
    'misconfigured',
    `AzureIdentity ${name} has a spec.clientID that is not that of its spec.resourceID: Azure knows the resource by client id ` +
      `${redactId(clientId)}. Was the managed identity deleted and made again? Correct spec.clientID.`,
  );
}
