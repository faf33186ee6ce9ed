import { createShareMap, type Keyed, type ShareLimits } from '@pod-identity/kit/core';
import type { Known } from './judge.ts';
import type { AccessPair, AccessVerdict } from './types.ts';

export interface Entry extends Keyed {
  readonly pair: AccessPair;
  known: Known;
  /** Index of the name that was allowed last: reviewed first. */
  level: number;
  review: Promise<AccessVerdict> | undefined;
}

export interface PairCache {
  get(pair: AccessPair): Entry | undefined;
  /** Returns the entry of the pair, and creates it if missing. */
  open(pair: AccessPair): Entry;
  /** To be called after a review: the entry becomes the last one of its namespace to be evicted. */
  renew(entry: Entry): void;
}

/** Entries by namespace. A namespace at its limit evicts its own oldest entry; at the total limit, the largest namespace evicts one. */
export function createPairCache(limits: ShareLimits): PairCache {
  const entries = createShareMap<Entry>(limits);
  const get = (pair: AccessPair) => entries.get(keyOf(pair));
  return {
    get,
    open(pair) {
      const known = get(pair);
      if (known) return known;
      const tenant = { key: keyOf(pair), namespace: pair.subject.namespace, weight: 1 };
      const entry: Entry = { ...tenant, pair, known: {}, level: 0, review: undefined };
      entries.set(entry);
      return entry;
    },
    renew(entry) {
      if (entries.get(entry.key) === entry) entries.set(entry);
    },
  };
}

const keyOf = ({ subject, key }: AccessPair) => `${subject.namespace}/${key}`;
