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

/** Entries by namespace. A namespace at its limit evicts its own oldest entry; at the total limit, the largest namespace evicts one. */
export function createPairCache(limits: ShareLimits) {
  const entries = createShareMap<Entry>(limits);
  const get = (pair: AccessPair) => entries.get(keyOf(pair));
  return {
    get,
    /** Returns the entry of the pair, and creates it if missing. */
    open(pair: AccessPair): Entry {
      const known = get(pair);
      if (known) return known;
      const tenant = { key: keyOf(pair), namespace: pair.subject.namespace, weight: 1 };
      const entry: Entry = { ...tenant, pair, known: {}, level: 0, review: undefined };
      entries.set(entry);
      return entry;
    },
    /** To be called after a review: the entry becomes the last one of its namespace to be evicted. */
    renew(entry: Entry): void {
      if (entries.get(entry.key) === entry) entries.set(entry);
    },
  };
}

const keyOf = ({ subject, key }: AccessPair) => `${subject.namespace}/${key}`;
