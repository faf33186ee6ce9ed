/** What is kept for a namespace. */
export interface Shared {
  readonly namespace: string;
  readonly weight: number;
}

export interface ShareLimits {
  readonly perNamespace: number;
  readonly total: number;
}

export interface Shares<T> {
  /**
   * Returns what is over a limit now, and no longer in: the oldest of its namespace while that is over its own limit, then the oldest of the
   * namespace that holds most.
   */
  add(one: T): readonly T[];
  remove(one: T): void;
}

interface Share<T> {
  /** The oldest first. */
  readonly all: Set<T>;
  weight: number;
}

/** Limits what is kept for each namespace and in total. A namespace evicts from another one only if that one holds more. */
export function createShares<T extends Shared>({ perNamespace, total }: ShareLimits): Shares<T> {
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
    return sum > total ? largest(shares.values()) : undefined;
  };

  return {
    remove,
    add(one) {
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

function largest<T>(shares: Iterable<Share<T>>): Share<T> | undefined {
  let found: Share<T> | undefined;
  for (const share of shares) if (!found || share.weight > found.weight) found = share;
  return found;
}
