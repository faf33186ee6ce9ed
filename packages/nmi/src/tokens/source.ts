// Room: one token for an identity that the caller may use already: memory, shared calls, remembered failures.
// It must not know requests or responses, or decide who may use which identity.
import type { Clock } from '@pod-identity/kit/core';
import { ageFor, ageOf, isUnnamed } from './age.ts';
import { isNew } from './application-quota.ts';
import { anotherIdentity, hasOtherClientId } from './client-id.ts';
import { isTemporary, TokenError } from './errors.ts';
import { createTokenMemory, type Entry, type TokenMemory } from './memory.ts';
import type { Asker } from './questions.ts';
import { createTokenRequests, type TokenRequests, type TokenRequestsOptions } from './requests.ts';
import type { IssuedToken, TokenSubject, TokenWish } from './types.ts';

export interface TokenSource extends Pick<TokenRequests, 'mayAsk' | 'changes' | 'hint'> {
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

export interface TokenSourceOptions extends Omit<TokenRequestsOptions, 'isKnown' | 'onIssued' | 'onShared'> {
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
 * Memory in front of the requests. Callers that want no token from memory join the same requests. It does not decide who may get a token. A
 * token that is used in the later part of its life is renewed in the background; if that fails, the old one is returned while it is valid.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock, onRecalled } = options;
  const memory = createTokenMemory(placesKept, clock);
  const requests = requestsInto(memory, options);
  const { mayAsk, changes, hint } = requests;
  const recall = (wish: TokenWish, { tenant }: Asker) =>
    recalled(memory.recall(wish, tenant.namespace), wish, clock);

  const fresh = (wish: TokenWish, asker: Asker): IssuedToken | undefined => {
    const entry = recall(wish, asker);
    if (!entry || hasOtherClientId(entry.issued, wish.subject)) return undefined;
    const now = clock.now();
    const age = ageFor(wish.subject, entry, now);
    if (now >= age.freshUntil) return undefined;
    onRecalled?.(wish.subject);
    if (now >= age.refreshAt) requests.renew(wish, asker);
    return entry.issued;
  };
  /** A new token if it can be had soon, otherwise the old one while it is valid. */
  const renewed = async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const { namespace } = asker.tenant;
    const issued = recall(wish, asker)?.issued;
    const isGone = isUnnamed(wish.subject) && requests.isGone(wish, namespace);
    if (!issued || isGone || !isUsable(issued, wish.subject, clock.now())) return requests.fetch(wish, asker);
    const old: Obtained = { issued, from: 'stale' };
    if (!requests.mayTry(wish, namespace)) return old;
    return within(requests.fetch(wish, asker).catch(insteadOf(old)), { clock, late: old });
  };

  return {
    cached: (wish, asker) => fresh(wish, asker()),
    async get(wish, asker) {
      const known = fresh(wish, asker);
      if (known) return { issued: known, from: 'hit' };
      const kept = memory.recall(wish, asker.tenant.namespace);
      if (kept && isRecentMismatch(kept, wish.subject, clock.now()))
        throw anotherIdentity(kept.issued, wish.subject);
      const obtained = await renewed(wish, asker);
      if (hasOtherClientId(obtained.issued, wish.subject))
        throw anotherIdentity(obtained.issued, wish.subject);
      return obtained;
    },
    prune: (keep) => memory.prune(keep),
    mayAsk,
    changes,
    hint,
  };
}

function requestsInto(memory: TokenMemory, options: TokenSourceOptions): TokenRequests {
  const { clock, random, mayKeep = () => true } = options;
  return createTokenRequests({
    ...options,
    isKnown: (subject) => memory.has(subject),
    onIssued: (wish, namespace, issued) => {
      if (!mayKeep(wish.subject)) return;
      const now = clock.now();
      const age = ageOf({ now, expiresOn: issued.access.expiresOnTimestamp }, random());
      memory.store(wish, namespace, { issued, storedAt: now, age });
    },
    // Whoever joined keeps the token, too.
    onShared: (wish, namespace) => void memory.recall(wish, namespace),
  });
}

/** Undefined for who wants none from memory, unless it has just come. */
function recalled(
  entry: Entry | undefined,
  { bypassCache, subject }: TokenWish,
  clock: Clock,
): Entry | undefined {
  return bypassCache && !(entry && isNew(entry, subject, clock.now())) ? undefined : entry;
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

/** A token with another client id than the AzureIdentity is kept for a while: otherwise a wrong object would cost a request each time. */
function isRecentMismatch({ issued, storedAt }: Entry, subject: TokenSubject, now: number): boolean {
  const ageMs = now - storedAt;
  return hasOtherClientId(issued, subject) && ageMs >= 0 && ageMs < mismatchKeptMs;
}
