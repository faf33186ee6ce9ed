import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';

/** Node's timers overflow beyond this and then fire at once. */
const longestMs = 2 ** 31 - 1;

/** The real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(Math.min(ms, longestMs), undefined, signal ? { signal } : undefined);
    } catch (error) {
      // Node rejects with its AbortError; Clock requires the reason of the signal.
      signal?.throwIfAborted();
      throw error;
    }
  },
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, longestMs));
    return { cancel: () => clearTimeout(timer) };
  },
};
