// Room: one token for an identity that the caller may use already: memory, shared calls, remembered failures.
// It must not know requests or responses, or decide who may use which identity.
import type { ResourceId } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { Changes } from '../waiting/await-change.ts';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { createQuestions, type Asker, type Question, type Questions } from './questions.ts';
import { createSetbacks, type Setbacks } from './setbacks.ts';
import { ageFor, ageOf, isUnnamed } from './age.ts';
import { createApplicationQuota, isNew, type ApplicationQuota } from './application-quota.ts';
import { anotherIdentity, hasOtherClientId } from './client-id.ts';
import { isTemporary, TokenError } from './errors.ts';
import { createTokenMemory, keyOf, type Entry, type TokenMemory } from './memory.ts';
import type { IssuedToken, LastAnswer, TokenSubject, TokenUpstream, TokenWish } from './types.ts';
import { createUnknownIdentities, type UnknownIdentities } from './unknown-identities.ts';

export interface TokenSource {
  /** A fresh token from memory; undefined if one must be requested. Renewing it is charged to the asker. */
  cached(wish: TokenWish, asker: () => Asker): IssuedToken | undefined;
  /** From memory or by requests, which are charged to the asker. Fails with a TokenError. */
  get(wish: TokenWish, asker: Asker): Promise<Obtained>;
  /** False for a few seconds after the service did not know the subject: then `get` fails without a request. */
  mayAsk(subject: TokenSubject, namespace: string): boolean;
  /** A subject may be asked for again. */
  readonly changes: Changes;
  /** The identity may be attached by now: for this namespace it may be asked for again at once. */
  readonly hint: (namespace: string, identity: ResourceId) => void;
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
  readonly queueFor: (subject: TokenSubject, lastAnswer: LastAnswer) => TurnQueue;
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
  const { memory, setbacks, flights } = stores;
  const join = joinInto(stores, options);
  const [fetchOnce, renewBehind] = [fetchThrough(stores, join), renewThrough(stores, join)];

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
    const issued = oldOf(wish, namespace);
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
    get: once,
    ...knownOf(stores),
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
  const isGone = (wish: TokenWish, namespace: string): boolean =>
    isUnnamed(wish.subject) &&
    (unknown.has({ namespace, identity: keyOf(wish.subject) }) ||
      setbacks.isUnknown({ namespace, name: nameOf(wish) }));
  /** A valid token that may be given if no new one can be had. */
  const oldOf = (wish: TokenWish, namespace: string): IssuedToken | undefined => {
    const issued = recall(wish, namespace)?.issued;
    const mayLeave = issued && isUsable(issued, wish.subject, clock.now()) && !isGone(wish, namespace);
    return mayLeave ? issued : undefined;
  };
  return { recall, oldOf };
}

function knownOf({ unknown }: Stores): Pick<TokenSource, 'mayAsk' | 'changes' | 'hint'> {
  return {
    mayAsk: (subject, namespace) => unknown.recall({ namespace, identity: keyOf(subject) }) === undefined,
    changes: unknown.changes,
    hint: (namespace, identity) => unknown.hint({ namespace, identity }),
  };
}

/** `isUnknown`: the service did not know the identity the last time. */
type Join = (wish: TokenWish, asker: Asker, isUnknown?: boolean) => Promise<IssuedToken>;

/** Joins a running request or makes one, unless it is known to fail. */
function fetchThrough({ memory, setbacks, unknown, flights }: Stores, join: Join) {
  return async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const isUnderWay = flights.isUnderWay(nameOf(wish));
    const { namespace } = asker.tenant;
    const asked = { namespace, identity: keyOf(wish.subject) };
    throwIf(isUnderWay ? undefined : unknown.recall(asked));
    const last = unknown.begin(asked);
    try {
      throwIf(isUnderWay ? undefined : setbacks.refusal({ namespace, name: pauseOf(wish) }));
      const issued = await join(wish, asker, last !== undefined);
      unknown.forget(asked);
      // Whoever joined keeps the token, too.
      memory.recall(wish, namespace);
      return { issued, from: isUnderWay ? 'joined' : 'miss' };
    } catch (error) {
      if (isUnknown(error)) unknown.note(asked, error);
      else unknown.end(asked);
      // A failure that passes says nothing new of the identity.
      throw last && error instanceof TokenError && isTemporary(error.code) ? last : error;
    }
  };
}

function throwIf(refused: TokenError | undefined): void {
  if (refused) throw refused;
}

function isUnknown(error: unknown): error is TokenError {
  return error instanceof TokenError && error.code === 'not-on-host';
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
    unknown: createUnknownIdentities(options),
    quota: createApplicationQuota(options.clock),
    flights: createQuestions(options.clock),
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

  return (wish, asker, isUnknown = false) => {
    const { namespace } = asker.tenant;
    const cost = costOf(wish.subject);
    const question: Question<IssuedToken> = {
      queue: queueFor(wish.subject, isUnknown ? 'unknown' : memory.has(wish.subject) ? 'known' : 'new'),
      cost,
      // The service may have asked for time while this waited.
      refusal: () =>
        setbacks.refusal({ namespace, name: pauseOf(wish) }) ??
        quota.refusal({ ...wish, tenant: asker.tenant, requests: cost }, () =>
          setbacks.reason({ namespace, name: nameOf(wish) }),
        ),
      ask: () => askAndStore(wish, namespace),
    };
    const repeated = { ...asker, admit: unlimited, turnUntil: asker.deadline };
    return flights.join(nameOf(wish), isUnknown ? repeated : asker, question);
  };
}

/** Repeated requests have a queue of their own, which is limit enough: others of the pod must not wait for them. */
const unlimited = () => 0;

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
