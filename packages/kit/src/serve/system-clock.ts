import { sleepBy, type Clock, type Timer } from '../core/clock.ts';

/** Node's timers overflow beyond this and then fire at once. */
const longestMs = 2 ** 31 - 1;

/** What a machine offers. Its timers may fire early: Node's do so up to 1.8 ms before `performance.now()` has reached their time. */
export interface RawTime {
  readonly now: () => number;
  readonly elapsed: () => number;
  readonly setTimer: (ms: number, run: () => void) => Timer;
}

/** A clock whose timers never fire early, since callers compare with `elapsed` and arm no other timer: it arms again while time is left. */
export function createClock({ now, elapsed, setTimer }: RawTime): Clock {
  const after = (ms: number, run: () => void): Timer => {
    const dueAt = elapsed() + ms;
    const arm = (leftMs: number): Timer => setTimer(Math.min(leftMs, longestMs), check);
    const check = () => {
      const leftMs = dueAt - elapsed();
      if (leftMs > 0) timer = arm(leftMs);
      else run();
    };
    let timer = arm(ms);
    return { cancel: () => timer.cancel() };
  };
  return {
    now,
    elapsed,
    after,
    sleep: (ms, signal) => sleepBy(after, ms, signal),
  };
}

/** The real time. */
export const systemClock: Clock = createClock({
  now: () => Date.now(),
  elapsed: () => performance.now(),
  setTimer(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
});
