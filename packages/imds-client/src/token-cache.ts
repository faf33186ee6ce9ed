import { createSingleFlight, type Departure, type FlightRules, type Passenger } from './single-flight.ts';
import { createTokenStore, type StoredToken } from './token-store.ts';
import type { AbortSignalLike, AccessToken } from './types.ts';

export interface TokenQuestion {
  readonly key: string;
  /** `use`: the stored token while it is fresh. `renew`: a new one, which is stored. `pass`: a new one, which is not. */
  readonly mode: 'use' | 'renew' | 'pass';
  readonly fetchToken: Departure<AccessToken>;
  readonly overdue: Passenger<AccessToken>['overdue'];
  readonly abortSignal?: AbortSignalLike | undefined;
}

export interface TokenCache {
  get(question: TokenQuestion): Promise<AccessToken>;
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
  readonly maxEntries: number;
}

/** Tokens by key, one request at a time for each key. */
export function createTokenCache({ now, elapsed, maxEntries, ...rules }: TokenCacheOptions): TokenCache {
  const join = createSingleFlight<AccessToken>(rules);
  const tokens = createTokenStore(maxEntries);
  let requests = 0;

  function passengerOf(question: TokenQuestion): Passenger<AccessToken> {
    const { key, mode, fetchToken, overdue, abortSignal } = question;
    const depart: Departure<AccessToken> = async (...flight) => {
      const request = ++requests;
      const token = await fetchToken(...flight);
      const stored = { token, storedAt: now(), storedElapsed: elapsed() };
      if (mode !== 'pass') tokens.store(key, { ...stored, request, quietUntil: 0 });
      return token;
    };
    return { key, depart, overdue, abortSignal };
  }

  function answerFrom(entry: StoredToken, question: TokenQuestion): Promise<AccessToken> | AccessToken {
    // The time since the token came counts if the clock was set back meanwhile.
    const timeFor = () => Math.max(now(), entry.storedAt + elapsed() - entry.storedElapsed);
    const at = timeFor();
    const freshness = freshnessAt(entry, at, now());
    if (freshness === 'expired') return join(passengerOf(question));
    if (freshness === 'fresh' || at < entry.quietUntil) return entry.token;
    const refresh = quietly(passengerOf(question), entry, timeFor);
    if (freshness === 'must-wait') return join({ ...refresh, instead: insteadOf(entry, timeFor) });
    // No caller waits for it, aborts it or sees its failure.
    join({ ...refresh, abortSignal: undefined, isBackground: true }).catch(() => undefined);
    return entry.token;
  }

  return {
    async get(question) {
      const entry = question.mode === 'use' ? tokens.recall(question.key) : undefined;
      return entry === undefined ? join(passengerOf(question)) : answerFrom(entry, question);
    },
  };
}

/** If this refresh fails, the next one is not tried at once. */
function quietly(
  passenger: Passenger<AccessToken>,
  entry: StoredToken,
  now: () => number,
): Passenger<AccessToken> {
  const depart: Departure<AccessToken> = async (signal, onFailure) => {
    try {
      return await passenger.depart(signal, onFailure);
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
