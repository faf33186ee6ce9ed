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
  /** A token from memory that is good for a while; undefined when one must be asked for. Renewing it is charged to the asker. */
  cached(wish: TokenWish, asker: () => Asker): IssuedToken | undefined;
  /**
   * From memory, from a question that is under way, or from new ones, each of which is charged to the asker. An identity that
   * is expected is asked for again for a while when the service does not know it. Fails with a TokenError.
   */
  get(wish: TokenWish, asker: Asker): Promise<Obtained>;
  /** Forgets the tokens of all other subjects. */
  prune(keep: (subject: TokenSubject) => boolean): void;
}

/** From memory, from a question under way, from a new one, or from memory because no new one could be had. */
export type TokenOrigin = 'hit' | 'joined' | 'miss' | 'stale';

export interface Obtained {
  readonly issued: IssuedToken;
  readonly from: TokenOrigin;
}

export interface TokenSourceOptions {
  readonly upstream: TokenUpstream;
  /** Where questions for it wait for their turn. */
  readonly queueFor: (subject: TokenSubject) => TurnQueue;
  /** How long a service that does not know an expected identity yet is asked again. */
  readonly holdMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called for every token that is returned from memory. */
  readonly onRecalled?: (subject: TokenSubject) => void;
}

const entriesKept = 2_000;
/** A token is not handed out in its last seconds, even when no other can be had. */
const lastUseMs = 10_000;
const mismatchKeptMs = 60_000;
/** How long a caller waits for a new token while the old one is still valid. */
const patienceMs = 1_000;

/**
 * Tokens in memory, and one question at a time for each. Permission is not decided here: callers come
 * after it was, and a remembered token gives nobody a right. A token is renewed on the side when it is used in the
 * later part of its life; nobody waits for that while it is valid, and when it fails the old one is given on.
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
    // Whoever needs the token when it is old asks again, and is told why that fails.
    if (isDue && !flights.isUnderWay(flightName(wish))) void join(wish, asker()).catch(() => undefined);
    return entry.issued;
  };

  /** A new one if it can be had soon, else the old one for as long as it is valid. */
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
  };
}

type Join = (wish: TokenWish, asker: Asker) => Promise<IssuedToken>;

/** Joins what is asked already or asks, unless that is known to fail: then no question is made. */
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

/** The old token for a failure that will pass; a refusal stays one. */
function insteadOf(old: Obtained): (error: unknown) => Obtained {
  return (error) => {
    if (error instanceof TokenError && passing.has(error.code)) return old;
    throw error;
  };
}

/** Settles as the promise does, or with `late` if that takes too long. */
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

/** Joins what is asked already, or asks and remembers the answer unless it is for special claims. */
function joinInto({ memory, setbacks, flights }: Stores, options: TokenSourceOptions): Join {
  const { upstream, clock, random, queueFor } = options;
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
    // A token for special claims is for whoever asked for it; that it was asked for says that the stored one is no good.
    if (isSpecial(wish)) memory.forget(wish.subject, wish.resource);
    else memory.store(wish.subject, wish.resource, { issued, storedAt: now, age, question, namespace });
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

/** Entra is asked for each tenant. */
function costOf(subject: TokenSubject): number {
  return subject.kind === 'service-principal' ? 1 + subject.auxiliaryTenantIds.length : 1;
}

/** A token of another client id than the AzureIdentity states is kept for a while: a wrong object must not cost a question each time. */
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

/** Wishes of one name can share an answer. */
function flightName(wish: TokenWish): string {
  const special = isSpecial(wish) ? JSON.stringify(Object.entries(wish.passThrough).sort()) : '';
  return `${wish.bypassCache} ${wish.isExpected} ${special} ${keyOf(wish.subject)} ${wish.resource}`;
}

/** What keeps one wish of a name from being granted keeps all. */
function setbackName({ subject, resource }: TokenWish): string {
  return `${keyOf(subject)} ${resource}`;
}

/**
 * Whether the token belongs to another identity than the AzureIdentity states. Then the object is out of date, or pretends:
 * the pod must not get a token under a client id that is not the token's.
 */
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
