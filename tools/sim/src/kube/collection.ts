import type { Stored } from './stored.ts';

/** All objects of one resource. */
export interface Collection {
  readonly size: number;
  get(namespace: string, name: string): Stored | undefined;
  put(stored: Stored): void;
  remove(namespace: string, name: string): void;
  count(namespace: string): number;
  /** In the order of the real server's keys. Default: of all namespaces. */
  list(namespace?: string): readonly Stored[];
}

interface Bucket {
  readonly byName: Map<string, Stored>;
  /** Sorted at the last read; later names follow unsorted. */
  order: string[];
  isSorted: boolean;
  hasGaps: boolean;
}

const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Sorts only when a list is read, because sorting a nearly sorted list is cheap. */
function sortedNames(bucket: Bucket): readonly string[] {
  if (bucket.isSorted) return bucket.order;
  let order = bucket.hasGaps ? bucket.order.filter((name) => bucket.byName.has(name)) : bucket.order;
  order.sort(byCodePoint);
  // A name that was deleted and created again is there twice.
  if (bucket.hasGaps) order = order.filter((name, position) => name !== order[position - 1]);
  Object.assign(bucket, { order, isSorted: true, hasGaps: false });
  return order;
}

function listBucket(bucket: Bucket | undefined): Stored[] {
  const listed: Stored[] = [];
  if (!bucket) return listed;
  for (const name of sortedNames(bucket)) {
    const stored = bucket.byName.get(name);
    if (stored) listed.push(stored);
  }
  return listed;
}

export function createCollection(): Collection {
  const buckets = new Map<string, Bucket>();
  let size = 0;

  const bucketOf = (namespace: string): Bucket => {
    const found = buckets.get(namespace) ?? {
      byName: new Map<string, Stored>(),
      order: [],
      isSorted: true,
      hasGaps: false,
    };
    buckets.set(namespace, found);
    return found;
  };

  return {
    get size() {
      return size;
    },
    get: (namespace, name) => buckets.get(namespace)?.byName.get(name),
    put: (stored) => {
      const bucket = bucketOf(stored.namespace);
      if (!bucket.byName.has(stored.name)) {
        bucket.order.push(stored.name);
        bucket.isSorted = false;
        size += 1;
      }
      bucket.byName.set(stored.name, stored);
    },
    remove: (namespace, name) => {
      const bucket = buckets.get(namespace);
      if (!bucket?.byName.delete(name)) return;
      size -= 1;
      bucket.isSorted = false;
      bucket.hasGaps = true;
      if (bucket.byName.size === 0) buckets.delete(namespace);
    },
    count: (namespace) => buckets.get(namespace)?.byName.size ?? 0,
    list: (namespace) => {
      if (namespace) return listBucket(buckets.get(namespace));
      // The real key is NAMESPACE/NAME, so `a-b` comes before `a`.
      const inOrder = [...buckets.keys()].sort((a, b) => byCodePoint(`${a}/`, `${b}/`));
      return inOrder.flatMap((key) => listBucket(buckets.get(key)));
    },
  };
}
