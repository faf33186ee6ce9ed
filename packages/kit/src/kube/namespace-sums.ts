// Limits how much of the objects of one kind is kept of each namespace: the oldest, up to a sum.
import { field, textField } from './object.ts';

export interface Weighed {
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  /** Set by the API server; users cannot change it. */
  readonly createdAt: string;
  readonly bytes: number;
}

/** For the metadata, the status and the entries of an object in maps. */
const besideSpec = 256;
/** No valid spec is longer. What is longer is not kept, and doesn't take the place of others. */
const longestSpec = 64 * 1024;
/** V8 keeps values of keys such as `2020` in an array with room for all smaller ones, and half more, up to this. */
const indexes = { perKey: 14, most: 45_000 };

/**
 * The length of the JSON of the spec: it is the same in every program, and no write of a status changes it. A key that is a number counts
 * as the array that it takes: 1 MiB of bindings with three such labels took 275 MiB.
 */
export function weigh(object: unknown): Omit<Weighed, 'key' | 'uid'> {
  const metadata = field(object, 'metadata');
  const spec = JSON.stringify(field(object, 'spec') ?? '');
  let bytes = besideSpec + Math.min(spec.length, longestSpec);
  for (const [, index] of spec.matchAll(/"(0|[1-9]\d{0,9})":/g))
    bytes += Math.min(indexes.perKey * (Number(index) + 16), indexes.most);
  return { createdAt: textField(metadata, 'creationTimestamp'), bytes };
}

interface Sum {
  readonly objects: Map<string, number>;
  bytes: number;
  /** Whether there are objects that don't count. No younger one does then, even if it would fit. */
  isFull: boolean;
}

/** Which objects count by now: those of the last list, and what came since and fits. */
export type NamespaceSums = ReturnType<typeof createNamespaceSums>;

const isLess = ({ isFull }: Sum, bytes: number, before: number) => isFull && bytes < before;

/** `onFull` is called once for each namespace whose objects don't all count. */
export function createNamespaceSums(most: number, onFull: (namespace: string, key: string) => void) {
  const sums = new Map<string, Sum>();
  let mayHaveSpace = false;
  const sumOf = (key: string) => {
    const namespace = namespaceOf(key);
    const sum = sums.get(namespace) ?? { objects: new Map<string, number>(), bytes: 0, isFull: false };
    sums.set(namespace, sum);
    return sum;
  };
  const drop = (sum: Sum, key: string) => {
    sum.bytes -= sum.objects.get(key) ?? 0;
    sum.objects.delete(key);
  };
  return {
    /** Whether the object counts. */
    put({ key, bytes }: Pick<Weighed, 'key' | 'bytes'>): boolean {
      if (most === Infinity) return true;
      const sum = sumOf(key);
      const before = sum.objects.get(key);
      drop(sum, key);
      const fits = sum.bytes + bytes <= most;
      mayHaveSpace ||= before === undefined ? sum.isFull && fits : !fits || isLess(sum, bytes, before);
      if (fits && (before !== undefined || !sum.isFull)) {
        sum.objects.set(key, bytes);
        sum.bytes += bytes;
        return true;
      }
      if (!sum.isFull) onFull(namespaceOf(key), key);
      sum.isFull = true;
      return false;
    },
    remove(key: string): void {
      const sum = sums.get(namespaceOf(key));
      if (!sum) return;
      drop(sum, key);
      if (sum.isFull) mayHaveSpace = true;
      else if (sum.objects.size === 0) sums.delete(namespaceOf(key));
    },
    forget: (namespace: string) => void sums.delete(namespace),
    /** Number of namespaces with objects that don't count. */
    full: () => [...sums.values()].filter(({ isFull }) => isFull).length,
    /** Whether a list may find that others count. */
    get mayHaveSpace() {
      return mayHaveSpace;
    },
  };
}

/**
 * Collects what a list brings in any order. Of each namespace it holds little more than the sum, and among that the oldest up to the sum
 * and the first beyond it.
 */
export function createOldest<T extends Weighed>(most: number) {
  const shares = new Map<string, { objects: T[]; bytes: number }>();
  return {
    add(one: T): void {
      const namespace = namespaceOf(one.key);
      const share = shares.get(namespace) ?? { objects: [], bytes: 0 };
      shares.set(namespace, share);
      share.objects.push(one);
      share.bytes += one.bytes;
      if (share.bytes <= 1.25 * most) return;
      share.objects = oldestUpTo(most, share.objects);
      share.bytes = Math.min(most, share.bytes);
    },
    clear: () => shares.clear(),
    /** In the order in which they count, with the first of a namespace that doesn't. */
    *all(): Generator<T> {
      for (const { objects } of shares.values()) yield* oldestUpTo(most, objects);
    },
  };
}

function oldestUpTo<T extends Weighed>(most: number, objects: T[]): T[] {
  if (most === Infinity) return objects;
  let sum = 0;
  const sorted = objects.toSorted(byAge);
  const end = sorted.findIndex(({ bytes }) => (sum += bytes) > most);
  return end < 0 ? sorted : sorted.slice(0, end + 1);
}

function byAge(one: Weighed, other: Weighed): number {
  return compare(one.createdAt, other.createdAt) || compare(one.uid, other.uid);
}

const compare = (one: string, other: string) => (one < other ? -1 : Number(one > other));

function namespaceOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}
