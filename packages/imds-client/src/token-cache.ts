import { createSingleFlight, type Departure, type FlightRules, type Passenger } from './single-flight.ts';
import { createTokenStore, type StoredToken } from './token-store.ts';
import type { AbortSignalLike, AccessToken } from './types.ts';

/** What a token is asked for by. Those with equal keys can share one. */
export interface Keyed {
  readonly key: string;
}

/** `use`: the stored token while it is fresh. `renew`: a new one, which is stored. `pass`: a new one, which is not. */
export type CacheMode = 'use' | 'renew' | 'pass';

export interface TokenCache<Q extends Keyed> {
  /** The stored token itself if it is fresh: a promise, or an object for the call, would take as long as all the rest. */
  get(asked: Q, mode: CacheMode, abortSignal?: AbortSignalLike): AccessToken | Promise<AccessToken>;
}

export type Freshness = 'fresh' | 'refresh-soon' | 'must-wait' | 'expired';

const minuteMs = 60_000;
const quietMs = 30_000;

/**
 * How fresh a stored token is. `refresh-soon`: return it and refresh in the background. `must-wait`: wait for another
 * one, and fall back to this one if that fails. Tokens with a short lifetime have shorter margins.
 */
export function freshnessOf(token: AccessToken, storedAt: number, now: number): Freshness {
  const lifeMs = token.expiresOnTimestamp - storedAt;
  if (now >= token.expiresOnTimestamp) return 'expired';
  if (now >= token.expiresOnTimestamp - Math.min(minuteMs, lifeMs / 20)) return 'must-wait';
  const refreshAt =
    token.refreshAfterTimestamp ?? token.expiresOnTimestamp - Math.min(5 * minuteMs, lifeMs / 5);
  return now >= refreshAt ? 'refresh-soon' : 'fresh';
}

/** After the clock was set back, the time since the token came is only known if the machine was never suspended: a new one is better. */
function freshnessAt({ token, storedAt }: StoredToken, at: number, wall: number): Freshness {
  const freshness = freshnessOf(token, storedAt, at);
  return wall < storedAt && freshness !== 'expired' ? 'must-wait' : freshness;
}

/** Of a caller who has a valid token, in milliseconds: a service that hangs must not take the last of its life. */
const patienceMs = 10_000;

export interface TokenCacheOptions<Q extends Keyed> extends FlightRules {
  readonly now: () => number;
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
  readonly maxEntries: number;
  readonly fetchToken: (asked: Q) => Departure<AccessToken>;
  /** The error of the deadline, as of a passenger. */
  readonly overdue: (asked: Q) => Passenger<AccessToken>['overdue'];
}

/** Tokens by key, one request at a time for each key. */
export function createTokenCache<Q extends Keyed>(options: TokenCacheOptions<Q>): TokenCache<Q> {
  const { now, elapsed } = options;
  const join = createSingleFlight<AccessToken>(options);
  const tokens = createTokenStore(options.maxEntries);
  let requests = 0;

  function passengerOf(asked: Q, mode: CacheMode): Passenger<AccessToken> {
    const { key } = asked;
    const fetchToken = options.fetchToken(asked);
    const depart: Departure<AccessToken> = async (...flight) => {
      const request = ++requests;
      const token = await fetchToken(...flight);
      const stored = { token, storedAt: now(), storedElapsed: elapsed() };
      if (mode !== 'pass') tokens.store(key, { ...stored, request, quietUntil: 0 });
      return token;
    };
    return { key, depart, overdue: options.overdue(asked) };
  }

  /** The time since the token came counts if the clock was set back meanwhile. */
  function timeFor({ storedAt, storedElapsed }: StoredToken, wall: number): number {
    return Math.max(wall, storedAt + elapsed() - storedElapsed);
  }

  /** Requests another token. In the last minute the caller waits for it, before that it gets the old one. */
  function refresh(entry: StoredToken, freshness: Freshness, passenger: Passenger<AccessToken>) {
    const at = () => timeFor(entry, now());
    const quiet = quietly(passenger, entry, at);
    if (freshness === 'must-wait') return join({ ...quiet, instead: insteadOf(entry, at) });
    // No caller waits for it, aborts it or sees its failure.
    join({ ...quiet, abortSignal: undefined, isBackground: true }).catch(() => undefined);
    return entry.token;
  }

  return {
    get(asked, mode, abortSignal) {
      const entry = mode === 'use' ? tokens.recall(asked.key) : undefined;
      if (entry === undefined) return join({ ...passengerOf(asked, mode), abortSignal });
      const wall = now();
      const at = timeFor(entry, wall);
      const freshness = freshnessAt(entry, at, wall);
      if (freshness === 'fresh') return entry.token;
      const passenger = { ...passengerOf(asked, mode), abortSignal };
      if (freshness === 'expired') return join(passenger);
      return at < entry.quietUntil ? entry.token : refresh(entry, freshness, passenger);
    },
  };
}

/** If this refresh fails, the next one is not tried at once. */
function quietly(
  passenger: Passenger<AccessToken>,
  entry: StoredToken,
  now: () => number,
): Passenger<AccessToken> {
  const depart: Departure<AccessToken> = async (signal, ...flight) => {
    try {
      return await passenger.depart(signal, ...flight);
    } catch (error) {
      if (!signal.aborted) entry.quietUntil = now() + quietMs;
      throw error;
    }
  };
  return { ...passenger, depart };
}

/** The old token, if a try fails or takes long while it is still valid. */
function insteadOf({ token }: StoredToken, now: () => number): Passenger<AccessToken>['instead'] {
  const { expiresOnTimestamp } = token;
  return {
    take: () => (now() < expiresOnTimestamp ? token : undefined),
    patienceMs: Math.min(patienceMs, (expiresOnTimestamp - now()) / 2),
  };
}
