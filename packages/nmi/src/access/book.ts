import type { Known } from './judge.ts';
import type { AccessPair, Verdict } from './types.ts';

export interface Entry {
  readonly pair: AccessPair;
  known: Known;
  /** Index of the name that was allowed last: asked first. */
  level: number;
  question: Promise<Verdict> | undefined;
}

export interface Book {
  get(pair: AccessPair): Entry | undefined;
  /** Returns the entry of the pair, and creates it if missing. */
  open(pair: AccessPair): Entry;
  /** To be called after an answer: the entry becomes the last one of its namespace to be evicted. */
  renew(entry: Entry): void;
}

export interface BookLimits {
  readonly total: number;
  readonly perNamespace: number;
}

interface Share {
  readonly namespace: string;
  readonly entries: Map<string, Entry>;
}

/** Entries by namespace. A namespace at its limit evicts its own oldest entry; at the total limit, the largest namespace evicts one. */
export function createBook(limits: BookLimits): Book {
  const namespaces = new Map<string, Share>();
  let size = 0;

  const evictOldestOf = (share: Share) => {
    const [oldest = ''] = share.entries.keys();
    share.entries.delete(oldest);
    size -= 1;
    if (share.entries.size === 0) namespaces.delete(share.namespace);
  };
  const largest = (): Share => {
    let found: Share = { namespace: '', entries: new Map() };
    for (const share of namespaces.values()) if (share.entries.size > found.entries.size) found = share;
    return found;
  };
  const get = ({ subject, key }: AccessPair) => namespaces.get(subject.namespace)?.entries.get(key);

  return {
    get,
    open(pair) {
      const known = get(pair);
      if (known) return known;
      const { namespace } = pair.subject;
      const own = namespaces.get(namespace) ?? { namespace, entries: new Map<string, Entry>() };
      if (own.entries.size >= limits.perNamespace) evictOldestOf(own);
      else if (size >= limits.total) evictOldestOf(largest());
      const entry: Entry = { pair, known: {}, level: 0, question: undefined };
      own.entries.set(pair.key, entry);
      namespaces.set(namespace, own);
      size += 1;
      return entry;
    },
    renew(entry) {
      const { subject, key } = entry.pair;
      const share = namespaces.get(subject.namespace);
      if (share?.entries.get(key) !== entry) return;
      share.entries.delete(key);
      share.entries.set(key, entry);
    },
  };
}
