// Room: one token for an identity that the caller may use already: memory, shared calls, remembered failures.
// It must not know requests or responses, or decide who may use which identity.
import type { Clock } from '@pod-identity/kit/core';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { createQuestions, type Asker, type Question, type Questions } from './questions.ts';
import { createSetbacks, type Setbacks } from './setbacks.ts';
import { ageFor, ageOf, isUnnamed } from './age.ts';
import { createApplicationQuota, isNew, type ApplicationQuota } from './application-quota.ts';
import { anotherIdentity, hasOtherClientId } from './client-id.ts';
import { isTemporary, TokenError } from './errors.ts';
import { createTokenMemory, keyOf, type Entry, type TokenMemory } from './memory.ts';
import type { IssuedToken, TokenSubject, TokenUpstream, TokenWish } from './types.ts';
import { createUnknownIdentities, type Asked, type UnknownIdentities } from './unknown-identities.ts';
import { askedBy, untilKnown } from './until-known.ts';

export interface TokenSource {
  /** A fresh token from memory; undefined if one must be requested. Renewing it is charged to the asker. */
  cached(wish: TokenWish, asker: () => Asker): IssuedToken | undefined;
  /** From memory or by requests, which are charged to the asker. Fails with a TokenError. */
  get(wish: TokenWish, asker: Asker): Promise<Obtained>;
  /** Removes the tokens of all other subjects. */
  prune(keep: (subject: TokenSubject) => boolean): void;
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
  /**
   * Whether an expected identity that the service has not known for two minutes is an error of the configuration; default: no. An identity is
   * expected because of a record that anyone may write, unless no records are used.
   */
  readonly unknownIsFinal?: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether a token that has come may be kept; default: yes. */
  readonly mayKeep?: (subject: TokenSubject) => boolean;
  /** Called for each token that is returned from memory. */
  readonly onRecalled?: (subject: TokenSubject) => void;
}

const placesKept = 2_000;
/** A token is not returned in its last seconds, even if no other one can be had. */
const lastUseMs = 10_000;
const mismatchKeptMs = 60_000;
/** How long a caller waits for a new token if there is a valid old one. */
const patienceMs = 1_000;

/**
 * Keeps tokens in memory and makes one request at a time for each, also for callers that want none from memory: the request is the same.
 * It does not decide who may get a token. A token that is used in the later part of its life is renewed in the background; if that
 * fails, the old one is returned while it is valid.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock, onRecalled } = options;
  const stores = createStores(options);
  const { memory, setbacks, unknown, flights } = stores;
  const join = joinInto(stores, options);
  const fetchOnce = fetchThrough(stores, join, clock);
  const renewBehind = renewThrough(stores, join);
  const { recall, oldOf } = recallThrough(stores, clock);

  const fresh = (wish: TokenWish, asker: Asker): IssuedToken | undefined => {
    const entry = recall(wish, asker.tenant.namespace);
    if (!entry || hasOtherClientId(entry.issued, wish.subject)) return undefined;
    const now = clock.now();
    const age = ageFor(wish.subject, entry, now);
    if (now >= age.freshUntil) return undefined;
    onRecalled?.(wish.subject);
    if (now >= age.refreshAt) renewBehind(wish, asker);
    return entry.issued;
  };

  /** A new token if it can be had soon, otherwise the old one while it is valid. */
  const renew = async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const { namespace } = asker.tenant;
    const name = nameOf(wish);
    const issued = oldOf(wish, askedBy(asker, wish));
    if (!issued) return fetchOnce(wish, asker);
    const old: Obtained = { issued, from: 'stale' };
    if (!flights.isUnderWay(name) && !setbacks.mayTry({ namespace, name })) return old;
    return within(fetchOnce(wish, asker).catch(insteadOf(old)), { clock, late: old });
  };

  const once = async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const known = fresh(wish, asker) ?? recentMismatch(memory, { wish, asker, now: clock.now() });
    const obtained: Obtained = known ? { issued: known, from: 'hit' } : await renew(wish, asker);
    if (hasOtherClientId(obtained.issued, wish.subject)) throw anotherIdentity(obtained.issued, wish.subject);
    return obtained;
  };

  return {
    cached: (wish, asker) => fresh(wish, asker()),
    get: untilKnown({ once, unknown, hasOld: (...of) => oldOf(...of) !== undefined }, options),
    prune: (keep) => memory.prune(keep),
  };
}

/** What may be used from memory. */
function recallThrough({ memory, setbacks, unknown }: Stores, clock: Clock) {
  const recall = (wish: TokenWish, namespace: string): Entry | undefined => {
    const entry = memory.recall(wish, namespace);
    return wish.bypassCache && !(entry && isNew(entry, wish.subject, clock.now())) ? undefined : entry;
  };
  /** Whether the service did not know the identity when it was last asked: it may have been deleted, and another one made under its name. */
  const isGone = (wish: TokenWish, asked: Asked): boolean =>
    isUnnamed(wish.subject) &&
    (unknown.has(asked, clock.elapsed()) ||
      setbacks.isUnknown({ namespace: asked.namespace, name: nameOf(wish) }));
  /** A valid token that may be given if no new one can be had. */
  const oldOf = (wish: TokenWish, asked: Asked): IssuedToken | undefined => {
    const issued = recall(wish, asked.namespace)?.issued;
    const mayLeave = issued && isUsable(issued, wish.subject, clock.now()) && !isGone(wish, asked);
    return mayLeave ? issued : undefined;
  };
  return { recall, oldOf };
}

type Join = (wish: TokenWish, asker: Asker) => Promise<IssuedToken>;

/** Joins a running request or makes one, unless it is known to fail. */
function fetchThrough({ memory, setbacks, unknown, flights }: Stores, join: Join, clock: Clock) {
  return async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const isUnderWay = flights.isUnderWay(nameOf(wish));
    const known = isUnderWay ? undefined : unknown.recall(askedBy(asker, wish), clock.elapsed());
    const { namespace } = asker.tenant;
    const pause = isUnderWay ? undefined : setbacks.refusal({ namespace, name: pauseOf(wish) });
    const refused = pause ?? known?.error;
    if (refused) throw refused;
    const issued = await join(wish, asker);
    // Whoever joined keeps the token, too.
    memory.recall(wish, namespace);
    return { issued, from: isUnderWay ? 'joined' : 'miss' };
  };
}

/** Requests a new token that nobody waits for, unless that is done already. */
function renewThrough({ setbacks, flights }: Stores, join: Join) {
  return (wish: TokenWish, asker: Asker): void => {
    const { namespace } = asker.tenant;
    const name = nameOf(wish);
    if (!setbacks.mayTry({ namespace, name }) || flights.isAskedFor(name, namespace)) return;
    // Errors are ignored: when the token is old, the next caller requests it again and gets the error.
    void join(wish, asker).catch(() => undefined);
  };
}

function isUsable(issued: IssuedToken, subject: TokenSubject, now: number): boolean {
  return issued.access.expiresOnTimestamp - lastUseMs > now && !hasOtherClientId(issued, subject);
}

/** Returns the old token instead of a temporary failure. */
function insteadOf(old: Obtained): (error: unknown) => Obtained {
  return (error) => {
    if (error instanceof TokenError && isTemporary(error.code)) return old;
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
  readonly quota: ApplicationQuota;
  readonly flights: Questions<IssuedToken>;
}

function createStores(options: TokenSourceOptions): Stores {
  return {
    memory: createTokenMemory(placesKept, options.clock),
    setbacks: createSetbacks(options),
    unknown: createUnknownIdentities(options.random),
    quota: createApplicationQuota(options.clock),
    flights: createQuestions(),
  };
}

/** Joins a running request, or makes one and stores the token. */
function joinInto({ memory, setbacks, quota, flights }: Stores, options: TokenSourceOptions): Join {
  const { upstream, clock, random, queueFor, mayKeep = () => true } = options;

  const askAndStore = async (wish: TokenWish, namespace: string): Promise<IssuedToken> => {
    const names = new Set([nameOf(wish), pauseOf(wish)]);
    const issued = await upstream.ask(wish).catch((error: unknown) => {
      if (error instanceof TokenError) for (const name of names) setbacks.note({ namespace, name }, error);
      throw error;
    });
    for (const name of names) setbacks.clear({ namespace, name });
    const now = clock.now();
    const age = ageOf({ now, expiresOn: issued.access.expiresOnTimestamp }, random());
    if (mayKeep(wish.subject)) memory.store(wish, namespace, { issued, storedAt: now, age });
    return issued;
  };

  return (wish, asker) => {
    const { namespace } = asker.tenant;
    const cost = costOf(wish.subject);
    const question: Question<IssuedToken> = {
      queue: queueFor(wish.subject),
      cost,
      // The service may have asked for time while this waited.
      refusal: () =>
        setbacks.refusal({ namespace, name: pauseOf(wish) }) ??
        quota.refusal({ ...wish, tenant: asker.tenant, requests: cost }, () =>
          setbacks.reason({ namespace, name: nameOf(wish) }),
        ),
      ask: () => askAndStore(wish, namespace),
    };
    return flights.join(nameOf(wish), asker, question);
  };
}

/** One request for each tenant. */
function costOf(subject: TokenSubject): number {
  return subject.kind === 'service-principal' ? 1 + subject.auxiliaryTenantIds.length : 1;
}

interface Wishing {
  readonly wish: TokenWish;
  readonly asker: Asker;
  readonly now: number;
}

/** A token with another client id than the AzureIdentity is kept for a while: otherwise a wrong object would cost a request each time. */
function recentMismatch(memory: TokenMemory, { wish, asker, now }: Wishing): IssuedToken | undefined {
  const entry = memory.recall(wish, asker.tenant.namespace);
  if (!entry || !hasOtherClientId(entry.issued, wish.subject)) return undefined;
  const ageMs = now - entry.storedAt;
  return ageMs >= 0 && ageMs < mismatchKeptMs ? entry.issued : undefined;
}

/** Wishes with the same name can share a request. */
function nameOf({ subject, resource }: TokenWish): string {
  return `${keyOf(subject)} ${resource}`;
}

/** What the service slows down: Entra counts all requests of an application. */
function pauseOf(wish: TokenWish): string {
  return wish.subject.kind === 'service-principal' ? keyOf(wish.subject) : nameOf(wish);
}
