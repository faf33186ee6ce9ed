import type { Known } from './judge.ts';
import type { AccessPair, Verdict } from './types.ts';

export interface Entry {
  readonly pair: AccessPair;
  known: Known;
  /** Index of the name that was allowed last: it is asked first. */
  level: number;
  question: Promise<Verdict> | undefined;
}

export interface Book {
  get(pair: AccessPair): Entry | undefined;
  /** The entry of the pair; a new one, if need be. */
  open(pair: AccessPair): Entry;
  /** The entry was answered: it is the last one of its namespace to be evicted. */
  renew(entry: Entry): void;
}

export interface BookLimits {
  readonly total: number;
  readonly perNamespace: number;
}

/** Entries by namespace. A namespace with too many loses its own oldest; when all together are too many, the largest loses. */
export function createBook(limits: BookLimits): Book {
  const namespaces = new Map<string, Map<string, Entry>>();
  let size = 0;

  const evictOldestOf = (namespace: string) => {
    const entries = namespaces.get(namespace);
    const [oldest] = entries?.keys() ?? [];
    if (!entries || oldest === undefined) return;
    entries.delete(oldest);
    size -= 1;
    if (entries.size === 0) namespaces.delete(namespace);
  };
  const largest = () => {
    let found: readonly [string, number] = ['', 0];
    for (const [namespace, entries] of namespaces)
      if (entries.size > found[1]) found = [namespace, entries.size];
    return found[0];
  };
  const get = ({ subject, key }: AccessPair) => namespaces.get(subject.namespace)?.get(key);

  return {
    get,
    open(pair) {
      const known = get(pair);
      if (known) return known;
      const { namespace } = pair.subject;
      if ((namespaces.get(namespace)?.size ?? 0) >= limits.perNamespace) evictOldestOf(namespace);
      else if (size >= limits.total) evictOldestOf(largest());
      const entry: Entry = { pair, known: {}, level: 0, question: undefined };
      namespaces.set(namespace, (namespaces.get(namespace) ?? new Map<string, Entry>()).set(pair.key, entry));
      size += 1;
      return entry;
    },
    renew(entry) {
      const { subject, key } = entry.pair;
      const entries = namespaces.get(subject.namespace);
      if (entries?.get(key) !== entry) return;
      entries.delete(key);
      entries.set(key, entry);
    },
  };
}
