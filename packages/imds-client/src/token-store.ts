import type { AccessToken } from './types.ts';

export interface StoredToken {
  readonly token: AccessToken;
  readonly storedAt: number;
  /** The number of the request that brought it. */
  readonly request: number;
  /** After a failed refresh: no other one before this. */
  quietUntil: number;
}

/** Tokens by key. When there are too many, the one that was not asked for longest goes. */
export interface TokenStore {
  recall(key: string): StoredToken | undefined;
  /** A late answer never replaces that of a younger request. */
  store(key: string, entry: StoredToken): void;
}

export function createTokenStore(maxEntries: number): TokenStore {
  // In the order of last use, which a Map keeps when an entry is taken out and put in again.
  const entries = new Map<string, StoredToken>();

  function touch(key: string, entry: StoredToken): void {
    entries.delete(key);
    entries.set(key, entry);
  }

  return {
    recall(key) {
      const entry = entries.get(key);
      if (entry !== undefined) touch(key, entry);
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
