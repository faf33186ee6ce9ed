/** What is kept for a namespace. */
export interface Shared {
  readonly namespace: string;
  readonly weight: number;
}

export interface ShareLimits {
  readonly perNamespace: number;
  readonly total: number;
}

export type Shares<T extends Shared> = ReturnType<typeof createShares<T>>;

interface Share<T> {
  /** The oldest first. */
  readonly all: Set<T>;
  weight: number;
}

/** Limits what is kept for each namespace and in total. A namespace evicts from another one only if that one holds more. */
export function createShares<T extends Shared>({ perNamespace, total }: ShareLimits) {
  const shares = new Map<string, Share<T>>();
  let sum = 0;

  const remove = (one: T) => {
    const share = shares.get(one.namespace);
    if (!share?.all.delete(one)) return;
    share.weight -= one.weight;
    sum -= one.weight;
    if (share.all.size === 0) shares.delete(one.namespace);
  };
  const overfull = (own: Share<T>): Share<T> | undefined => {
    if (own.weight > perNamespace) return own;
    return sum > total ? largest(shares.values(), ({ weight }) => weight) : undefined;
  };

  return {
    remove,
    /**
     * Adds the item, then removes and returns what is over a limit: the oldest of its namespace while that is over its own limit, then the oldest of the
     * namespace that holds most.
     */
    add(one: T): readonly T[] {
      const own = shares.get(one.namespace) ?? { all: new Set<T>(), weight: 0 };
      shares.set(one.namespace, own);
      own.all.add(one);
      own.weight += one.weight;
      sum += one.weight;
      const out: T[] = [];
      for (let over = overfull(own); over; over = overfull(own)) {
        const [oldest] = over.all;
        if (oldest === undefined) break;
        remove(oldest);
        out.push(oldest);
      }
      return out;
    },
  };
}

export interface Keyed extends Shared {
  readonly key: string;
}

/** Shares whose items are found by a key of all namespaces. */
export function createShareMap<T extends Keyed>(limits: ShareLimits) {
  const all = new Map<string, T>();
  const shares = createShares<T>(limits);

  const remove = (key: string) => {
    const one = all.get(key);
    if (!one) return;
    all.delete(key);
    shares.remove(one);
  };

  return {
    get: (key: string) => all.get(key),
    /** Replaces the item with this key; the new one is the newest of its namespace. Removes and returns what is over a limit, as `Shares.add`. */
    set(one: T): readonly T[] {
      remove(one.key);
      all.set(one.key, one);
      const out = shares.add(one);
      for (const { key } of out) all.delete(key);
      return out;
    },
    delete: remove,
  };
}

/** Of equal ones the first. */
export function largest<T>(all: Iterable<T>, sizeOf: (one: T) => number): T | undefined {
  let found: T | undefined;
  for (const one of all) if (found === undefined || sizeOf(one) > sizeOf(found)) found = one;
  return found;
}
