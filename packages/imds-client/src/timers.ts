import { onAbort, type StartTimer } from './single-flight.ts';
import type { Clock } from './types.ts';

/**
 * All timers and connections of this package leave a program free to end; only the deadline of a call is held while a caller waits. So a
 * refresh in the background does not keep a finished program alive.
 */
export const startTimer: StartTimer = (ms, onEnd) => {
  const id = setTimeout(onEnd, ms);
  // In browsers and workers it is a number, which keeps nothing alive.
  const timer: Partial<NodeJS.Timeout> = id;
  timer.unref?.();
  return { hold: () => timer.ref?.(), release: () => timer.unref?.(), clear: () => clearTimeout(id) };
};

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const timer = startTimer(ms, () => {
        forget();
        resolve();
      });
      const forget = onAbort(signal, () => {
        timer.clear();
        reject(signal?.reason as Error);
      });
    }),
};
