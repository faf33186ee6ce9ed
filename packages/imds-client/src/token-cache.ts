import { ImdsError } from './errors.ts';
import { createSingleFlight, type Departure } from './single-flight.ts';
import { createTokenStore, type StoredToken } from './token-store.ts';
import type { AbortSignalLike, AccessToken } from './types.ts';

export interface TokenQuestion {
  readonly key: string;
  /** `use`: the stored token while it is fresh. `renew`: a new one, which is stored. `pass`: a new one, which is not. */
  readonly mode: 'use' | 'renew' | 'pass';
  readonly fetchToken: Departure<AccessToken>;
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

/** Tokens by key, one request at a time for each key. */
export function createTokenCache(options: { now: () => number; maxEntries: number }): TokenCache {
  const { now, maxEntries } = options;
  const join = createSingleFlight<AccessToken>();
  const tokens = createTokenStore(maxEntries);
  let requests = 0;

  function fetchNew({ key, mode, fetchToken, abortSignal }: TokenQuestion): Promise<AccessToken> {
    const depart: Departure<AccessToken> = async (signal) => {
      const request = ++requests;
      const token = await fetchToken(signal);
      if (mode !== 'pass') tokens.store(key, { token, storedAt: now(), request, quietUntil: 0 });
      return token;
    };
    return join(key, depart, abortSignal);
  }

  /** A new token, or the old one if that fails and it is still valid. */
  async function refresh(question: TokenQuestion, entry: StoredToken): Promise<AccessToken> {
    if (now() < entry.quietUntil) return entry.token;
    try {
      return await fetchNew(question);
    } catch (error) {
      if (error instanceof ImdsError && error.code === 'aborted') throw error;
      entry.quietUntil = now() + quietMs;
      if (now() >= entry.token.expiresOnTimestamp) throw error;
      return entry.token;
    }
  }

  return {
    async get(question) {
      const entry = question.mode === 'use' ? tokens.recall(question.key) : undefined;
      if (entry === undefined) return fetchNew(question);
      switch (freshnessOf(entry.token, entry.storedAt, now())) {
        case 'fresh':
          return entry.token;
        case 'refresh-soon':
          // In the background: no caller waits for it, aborts it or sees its failure.
          void refresh({ ...question, abortSignal: undefined }, entry).catch(() => undefined);
          return entry.token;
        case 'must-wait':
          return refresh(question, entry);
        case 'expired':
          return fetchNew(question);
      }
    },
  };
}
