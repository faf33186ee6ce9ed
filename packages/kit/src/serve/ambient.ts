import type { Clock } from '../core/clock.ts';
import type { Log } from './log.ts';

/** What most parts of a service use of the process. */
export interface Ambient {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}
