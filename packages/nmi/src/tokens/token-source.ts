import type { Clock } from '@pod-identity/kit/core';
import { createFlights } from './flights.ts';
import { redactId, TokenError } from './token-errors.ts';
import { createTokenMemory, keyOf, type Entry, type TokenMemory } from './token-memory.ts';
import type { AskForToken, IssuedToken, TokenSubject, TokenWish } from './types.ts';

export interface TokenSource {
  /** A token from memory that is good for a while; undefined when one must be asked for. */
  cached(wish: TokenWish): IssuedToken | undefined;
  /**
   * From memory, from a question that is under way, or from a new one. `admit` is asked before a new one and answers the
   * milliseconds that it has to wait, 0 for none. Fails with a TokenError.
   */
  get(wish: TokenWish, admit: () => number): Promise<Obtained>;
}

/** From memory, from a question under way, from a new one, or from memory for want of a new one. */
export type TokenOrigin = 'hit' | 'joined' | 'miss' | 'stale';

export interface Obtained {
  readonly issued: IssuedToken;
  readonly from: TokenOrigin;
}

export interface TokenSourceOptions {
  readonly ask: AskForToken;
  readonly clock: Clock;
}

const entriesKept = 2_000;
const longestMarginMs = 5 * 60_000;
/** A token is not handed out in its last seconds, even when no other can be had. */
const lastUseMs = 10_000;
const disbeliefMs = 60_000;

/**
 * Tokens in memory, and one question at a time for each. Permission is no matter of this cache: callers come here after it
 * was decided, and a token that is remembered gives nobody a right.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock } = options;
  const memory = createTokenMemory(entriesKept);
  const ask = askInto(memory, options);
  const flights = createFlights<IssuedToken>();

  const fresh = (wish: TokenWish): IssuedToken | undefined => {
    const entry = wish.bypassCache ? undefined : memory.recall(wish.subject, wish.resource);
    return entry && clock.now() < entry.freshUntil && !belies(entry.issued, wish.subject)
      ? entry.issued
      : undefined;
  };

  const fly = async (wish: TokenWish, admit: () => number): Promise<Obtained> => {
    const name = flightName(wish);
    const isUnderWay = flights.isUnderWay(name);
    const waitMs = isUnderWay ? 0 : admit();
    if (waitMs > 0) throw tooMany(waitMs);
    const issued = await flights.join(name, () => ask(wish));
    return { issued, from: isUnderWay ? 'joined' : 'miss' };
  };

  /** The old token for as long as it is valid, when a new one cannot be had now. */
  const fallBack = (wish: TokenWish, error: unknown): Obtained => {
    const old = wish.bypassCache ? undefined : memory.recall(wish.subject, wish.resource)?.issued;
    const isPassing = error instanceof TokenError && passing.has(error.code);
    if (!isPassing || !old || old.access.expiresOnTimestamp - lastUseMs <= clock.now()) throw error;
    return { issued: old, from: 'stale' };
  };

  return {
    cached: fresh,
    async get(wish, admit) {
      const known =
        fresh(wish) ?? disbelieved(memory.recall(wish.subject, wish.resource), wish.subject, clock.now());
      const obtained: Obtained = known
        ? { issued: known, from: 'hit' }
        : await fly(wish, admit).catch((error: unknown) => fallBack(wish, error));
      if (belies(obtained.issued, wish.subject)) throw anotherIdentity(obtained.issued, wish.subject);
      return obtained;
    },
  };
}

/** Asks, and remembers the answer unless it is for special claims. */
function askInto(memory: TokenMemory, { ask, clock }: TokenSourceOptions): AskForToken {
  let questions = 0;
  return async (wish) => {
    const question = ++questions;
    const issued = await ask(wish);
    // A token for special claims is for whoever asked for it; that it was asked for says that the stored one is no good.
    if (isSpecial(wish)) memory.forget(wish.subject, wish.resource);
    else memory.store(wish.subject, wish.resource, entryOf(issued, clock.now(), question));
    return issued;
  };
}

/** An answer that belies the AzureIdentity is believed for a while: a wrong object must not cost a question each time. */
function disbelieved(entry: Entry | undefined, subject: TokenSubject, now: number): IssuedToken | undefined {
  return entry && belies(entry.issued, subject) && now - entry.storedAt < disbeliefMs
    ? entry.issued
    : undefined;
}

const passing: ReadonlySet<TokenError['code']> = new Set(['throttled', 'updating', 'unavailable'] as const);

function entryOf(issued: IssuedToken, now: number, question: number): Entry {
  const { expiresOnTimestamp } = issued.access;
  const marginMs = Math.min(longestMarginMs, (expiresOnTimestamp - now) / 2);
  return { issued, storedAt: now, freshUntil: expiresOnTimestamp - marginMs, question };
}

function isSpecial({ passThrough }: TokenWish): boolean {
  for (const name in passThrough) if (Object.hasOwn(passThrough, name)) return true;
  return false;
}

/** Wishes of one name can share an answer. */
function flightName(wish: TokenWish): string {
  const special = isSpecial(wish) ? JSON.stringify(Object.entries(wish.passThrough).sort()) : '';
  return `${wish.bypassCache} ${wish.isExpected} ${special} ${keyOf(wish.subject)} ${wish.resource}`;
}

/**
 * Whether the token belongs to another identity than the AzureIdentity states. Then the object is out of date, or pretends:
 * the pod must not get a token under a client id that is not the token's.
 */
function belies({ clientId }: IssuedToken, subject: TokenSubject): boolean {
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

function tooMany(waitMs: number): TokenError {
  return new TokenError(
    'throttled',
    'This pod asks for new tokens too often. Keep a token until it expires.',
    {
      retryAfterMs: waitMs,
    },
  );
}
