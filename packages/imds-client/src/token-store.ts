import type { AccessToken } from './types.ts';

export interface StoredToken {
  readonly token: AccessToken;
  readonly storedAt: number;
  /** The same moment, in milliseconds that only increase. */
  readonly storedElapsed: number;
  /** The number of its request. */
  readonly request: number;
  /** After a failed refresh: no other refresh before this time. */
  quietUntil: number;
}

/** Tokens by key. If there are too many, the least recently used one is evicted. */
export interface TokenStore {
  recall(key: string): StoredToken | undefined;
  /** A late response never replaces that of a newer request. */
  store(key: string, entry: StoredToken): void;
}

export function createTokenStore(maxEntries: number): TokenStore {
  // In the order of last use: an entry that is deleted and set again is the last one of a Map.
  const entries = new Map<string, StoredToken>();
  let newest: string | undefined;

  function touch(key: string, entry: StoredToken): void {
    if (key !== newest) entries.delete(key);
    entries.set(key, entry);
    newest = key;
  }

  return {
    recall(key) {
      const entry = entries.get(key);
      // Most programs use one token.
      if (entry !== undefined && key !== newest) touch(key, entry);
      return entry;
    },
    store(key, entry) {
      if ((entries.get(key)?.request ?? 0) > entry.request) return;
      touch(key, entry);
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
    },
  };
}
