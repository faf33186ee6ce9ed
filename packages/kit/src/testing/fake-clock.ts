import type { Clock } from '../core/clock.ts';

export interface FakeClock extends Clock {
  /** Runs the timers that fall due, in the order of their times, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Timers that are set and have not run. */
  readonly pending: number;
}
export function createFakeClock(start = 0): FakeClock { throw new Error('soon'); }
