import type { Clock } from '@pod-identity/kit/core';

export interface WarpClock extends Clock {
  /** Advances time and runs due timers at once. */
  warp(ms: number): void;
}

interface Waiting {
  readonly due: number;
  readonly run: () => void;
  handle: NodeJS.Timeout;
}

/** Real time that can jump ahead, for waits of minutes in tests of whole programs. */
export function createWarpClock(): WarpClock {
  let offset = 0;
  const waiting = new Set<Waiting>();
  const now = () => Date.now() + offset;

  const arm = (timer: Waiting) => {
    timer.handle = setTimeout(
      () => {
        waiting.delete(timer);
        timer.run();
      },
      Math.min(Math.max(0, timer.due - now()), 2 ** 31 - 1),
    );
  };
  const after = (ms: number, run: () => void) => {
    const timer = { due: now() + ms, run } as Waiting;
    waiting.add(timer);
    arm(timer);
    return {
      cancel() {
        waiting.delete(timer);
        clearTimeout(timer.handle);
      },
    };
  };

  return {
    now,
    elapsed: now,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const abort = () => {
          timer.cancel();
          reject(signal?.reason as Error);
        };
        const timer = after(ms, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      }),
    warp(ms) {
      offset += ms;
      for (const timer of waiting) {
        clearTimeout(timer.handle);
        arm(timer);
      }
    },
  };
}
