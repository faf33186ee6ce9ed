/**
 * Finds the last in order of a changing set: a binary heap, the last on top. `counts`: whether an element still belongs to
 * the set. Others are removed when they reach the top, or when they are half of all.
 */
export function createLastFirst<T>(
  isBefore: (one: T, other: T) => boolean,
  set: { readonly counts: (one: T) => boolean; readonly size: () => number },
) {
  let heap: T[] = [];
  return {
    add(one: T): void {
      if (heap.length > 2 * set.size() + 16) {
        const left = heap.filter((other) => set.counts(other));
        heap = [];
        for (const other of left) rise(heap, other, isBefore);
      }
      rise(heap, one, isBefore);
    },
    /** The last that still belongs to the set; it is not removed. */
    last(): T | undefined {
      for (let top = heap[0]; top !== undefined; top = heap[0]) {
        if (set.counts(top)) return top;
        const end = heap.pop();
        if (end !== undefined && heap.length > 0) sink(heap, end, isBefore);
      }
      return undefined;
    },
  };
}

type Order<T> = (one: T, other: T) => boolean;

/** Adds an element at the bottom and moves it up. */
function rise<T>(heap: T[], one: T, isBefore: Order<T>): void {
  let at = heap.length;
  heap.push(one);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(parent, one)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = one;
}

/** Replaces the top element and moves the new one down. */
function sink<T>(heap: T[], one: T, isBefore: Order<T>): void {
  let at = 0;
  for (
    let below = laterChild(heap, at, isBefore);
    below < heap.length;
    below = laterChild(heap, at, isBefore)
  ) {
    const child = heap[below];
    if (child === undefined || !isBefore(one, child)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = one;
}

function laterChild<T>(heap: readonly T[], at: number, isBefore: Order<T>): number {
  const left = 2 * at + 1;
  const [one, other] = [heap[left], heap[left + 1]];
  return one !== undefined && other !== undefined && isBefore(one, other) ? left + 1 : left;
}
