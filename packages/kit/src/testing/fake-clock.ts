import { sleepBy, type Clock, type Timer } from '../core/clock.ts';

export interface FakeClock extends Clock {
  /** Runs due timers in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Number of set timers. */
  readonly pending: number;
}

interface SetTimer {
  readonly at: number;
  readonly run: () => void;
}

// Runs after all promise jobs, however long their chain. Stored here in case a test replaces the global.
const { setImmediate } = globalThis;
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

/**
 * A clock that moves only by `advance`. Its timers fire at their time, as `Clock` promises; that early timers of a machine are made good is tested at the system clock.
 * With a start, its two readings differ as on a real machine: code that mixes them fails.
 */
export function createFakeClock(start = 0): FakeClock {
  let now = start;
  const timers = new Set<SetTimer>();

  const after = (ms: number, run: () => void): Timer => {
    const timer = { at: now + Math.max(0, ms), run };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };

  // Of equal times the timer set first comes first: a Set keeps that order and the comparison is strict.
  const nextUntil = (end: number) => {
    let first: SetTimer | undefined;
    for (const timer of timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    return first;
  };

  return {
    now: () => now,
    elapsed: () => now - start,
    after,
    sleep: (ms, signal) => sleepBy(after, ms, signal),
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (let next = nextUntil(end); next; next = nextUntil(end)) {
        now = next.at;
        timers.delete(next);
        next.run();
        await settle();
      }
      now = end;
    },
    get pending() {
      return timers.size;
    },
  };
}
