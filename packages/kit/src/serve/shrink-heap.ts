// Returns memory that is not needed any more to the system, while there is little to do.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../core/clock.ts';

export interface Heap {
  /** Bytes of its pages. */
  size(): number;
  /** The share of the time since the last call in which the event loop was busy. */
  busy(): number;
  shrink(): void;
}

const MiB = 1024 * 1024;
/** By then, what a start needs only once is read: modules and lists. */
const firstMs = 10_000;
const everyMs = 30_000;
/** Shrinking stops the program for about 50 ms with 20 MiB in use. */
const worth = { busyShare: 0.25, growth: 3 * MiB, largest: 96 * MiB };

/**
 * V8 itself collects when its heap has grown by half or more, and seldom frees a page: what a start or a burst needed stays for days. Shrinks
 * when the heap has grown since the last time, until the signal aborts.
 */
export async function keepHeapSmall(clock: Clock, heap: Heap, signal: AbortSignal): Promise<void> {
  let smallest = 0;
  const look = () => {
    const [busy, size] = [heap.busy(), heap.size()];
    if (size - smallest < worth.growth || size > worth.largest || busy > worth.busyShare) return;
    heap.shrink();
    smallest = heap.size();
  };
  let waitMs = firstMs;
  while (await hasPassed(waitMs, clock, signal)) {
    look();
    waitMs = everyMs;
  }
}

function hasPassed(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => true,
    () => false,
  );
}

/** The heap of this process. */
export function ownHeap(): Heap {
  let last = performance.eventLoopUtilization();
  return {
    size: () => process.memoryUsage().heapTotal,
    busy: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    shrink: () => {
      // The function comes with a new context, as Node has no other way to it at run time.
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as NodeJS.GCFunction;
      // Only this kind moves objects together, frees pages and forgets code that did not run lately.
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    },
  };
}
