import { createSingleFlight, type Departure, type FlightRules, type Passenger } from './single-flight.ts';
import type { AccessToken } from './types.ts';

/** A request for a token. */
export type TokenCall = Pick<Passenger<AccessToken>, 'depart' | 'overdue' | 'abortSignal'>;

export interface TokenCache {
  /** The stored token itself if it is fresh: a promise, or an object for the call, would take as long as all the rest. */
  get(key: string, isBypassed: boolean, callOf: () => TokenCall): AccessToken | Promise<AccessToken>;
}

interface StoredToken {
  readonly token: AccessToken;
  readonly storedAt: number;
  /** The same moment, in milliseconds that only increase. */
  readonly storedElapsed: number;
  /** After a failed refresh: no other refresh before this time. */
  quietUntil: number;
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

export interface TokenCacheOptions extends FlightRules {
  readonly now: () => number;
  /** Milliseconds that only increase. */
  readonly elapsed: () => number;
  /** 0: nothing is stored. */
  readonly maxEntries: number;
}

/** Tokens by key, one request at a time for each key. */
export function createTokenCache(options: TokenCacheOptions): TokenCache {
  const { now, elapsed, maxEntries } = options;
  const join = createSingleFlight<AccessToken>(options);
  /** In the order in which they were stored. */
  const tokens = new Map<string, StoredToken>();

  function store(key: string, token: AccessToken): void {
    tokens.delete(key);
    tokens.set(key, { token, storedAt: now(), storedElapsed: elapsed(), quietUntil: 0 });
    const [oldest = key] = tokens.keys();
    if (tokens.size > maxEntries) tokens.delete(oldest);
  }

  /** The call stores its token. After a failure the next refresh is not tried at once. */
  function passengerOf(key: string, call: TokenCall): Passenger<AccessToken> {
    const depart: Departure<AccessToken> = async (signal, onFailure) => {
      try {
        const token = await call.depart(signal, onFailure);
        // After the end of the call there may be a newer one.
        if (!signal.aborted) store(key, token);
        return token;
      } catch (error) {
        const entry = tokens.get(key);
        if (entry !== undefined && !signal.aborted)
          entry.quietUntil = timeFor(entry, elapsed(), now()) + quietMs;
        throw error;
      }
    };
    return { ...call, key, depart };
  }

  /** Requests another token. In the last minute the caller waits for it, before that it gets the old one. */
  function refresh(entry: StoredToken, freshness: Freshness, passenger: Passenger<AccessToken>) {
    const { token } = entry;
    const leftMs = () => token.expiresOnTimestamp - timeFor(entry, elapsed(), now());
    if (freshness === 'must-wait') return join({ ...passenger, instead: insteadOf(token, leftMs) });
    // No caller waits for it, aborts it or sees its failure.
    join({ ...passenger, abortSignal: undefined, isBackground: true }).catch(() => undefined);
    return token;
  }

  return {
    get(key, isBypassed, callOf) {
      const entry = isBypassed ? undefined : tokens.get(key);
      if (entry === undefined) return join(passengerOf(key, callOf()));
      const wall = now();
      const at = timeFor(entry, elapsed(), wall);
      const freshness = freshnessAt(entry, at, wall);
      if (freshness === 'fresh') return entry.token;
      if (freshness === 'expired') return join(passengerOf(key, callOf()));
      return at < entry.quietUntil ? entry.token : refresh(entry, freshness, passengerOf(key, callOf()));
    },
  };
}

/** The time since the token came counts if the clock was set back meanwhile. */
function timeFor({ storedAt, storedElapsed }: StoredToken, elapsed: number, wall: number): number {
  return Math.max(wall, storedAt + elapsed - storedElapsed);
}

/** The old token, if a try fails or takes long while it is still valid. */
function insteadOf(token: AccessToken, leftMs: () => number): Passenger<AccessToken>['instead'] {
  const take = () => (leftMs() > 0 ? token : undefined);
  return { take, patienceMs: Math.min(patienceMs, leftMs() / 2) };
}
