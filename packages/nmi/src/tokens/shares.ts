export interface Shares<T> {
  /** Of all items, by weight. */
  readonly size: number;
  add(one: T): void;
  remove(one: T): void;
  /** The oldest item of the namespace that has most. */
  oldestOfLargest(): T | undefined;
}

interface Share<T> {
  size: number;
  /** The oldest first. */
  readonly items: Set<T>;
}

/** What is kept for namespaces, and how much of it. Default weight: 1. */
export function createShares<T extends { readonly namespace: string }>(
  weigh: (one: T) => number = () => 1,
): Shares<T> {
  const shares = new Map<string, Share<T>>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(one) {
      const share = shares.get(one.namespace) ?? { size: 0, items: new Set() };
      shares.set(one.namespace, share);
      share.items.add(one);
      share.size += weigh(one);
      size += weigh(one);
    },
    remove(one) {
      const share = shares.get(one.namespace);
      if (!share?.items.delete(one)) return;
      share.size -= weigh(one);
      size -= weigh(one);
      if (share.items.size === 0) shares.delete(one.namespace);
    },
    oldestOfLargest() {
      let largest: Share<T> | undefined;
      for (const share of shares.values()) if (!largest || share.size > largest.size) largest = share;
      const [oldest] = largest?.items ?? [];
      return oldest;
    },
  };
}
