// Brings the index up to date after changes, a slice at a time: one edit can concern thousands of pods, and an editor can repeat it.
import type { Clock, Timer } from '@pod-identity/kit/core';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';

export interface SweeperPorts {
  readonly index: Pick<ClusterIndex, 'settleWhile' | 'hasStale'>;
  readonly clock: Clock;
  /** Lets timers and sockets run. */
  readonly yieldTurn: () => Promise<void>;
  /** Called after each slice, however many pods are still stale. */
  readonly onSlice: () => void;
}

export interface Sweeper {
  /** Changes that come together are handled together. */
  sweepSoon(): void;
  sweep(): void;
  stop(): void;
}

const sliceMs = 8;

/** Settles the pods that are stale now. Lets others run in between, and ends early if the signal aborts. */
export async function settleStale(
  {
    index,
    clock,
    yieldTurn,
  }: Pick<SweeperPorts, 'clock' | 'yieldTurn'> & { readonly index: Pick<ClusterIndex, 'settleEach'> },
  signal: AbortSignal,
): Promise<void> {
  const steps = index.settleEach();
  let sliceEnds = clock.elapsed() + sliceMs;
  while (!signal.aborted && steps.next().done !== true) {
    if (clock.elapsed() < sliceEnds) continue;
    await yieldTurn();
    sliceEnds = clock.elapsed() + sliceMs;
  }
}

export function createSweeper({ index, clock, yieldTurn, onSlice }: SweeperPorts): Sweeper {
  let isDue = false;
  let isStopped = false;
  let next: Timer | undefined;
  let restUntil = -Infinity;

  const sweep = () => {
    isDue = false;
    next?.cancel();
    if (isStopped) return;
    const begunAt = clock.elapsed();
    index.settleWhile(() => clock.elapsed() - begunAt < sliceMs);
    onSlice();
    const tookMs = clock.elapsed() - begunAt;
    // After a long slice others have the thread for as long.
    if (tookMs >= sliceMs) restUntil = begunAt + 2 * tookMs;
    if (index.hasStale) sweepSoon();
  };
  const sweepSoon = () => {
    if (isDue || isStopped) return;
    isDue = true;
    const restMs = restUntil - clock.elapsed();
    if (restMs > 0) next = clock.after(restMs, sweep);
    else void yieldTurn().then(sweep);
  };
  return {
    sweep,
    sweepSoon,
    stop() {
      isStopped = true;
      next?.cancel();
    },
  };
}
