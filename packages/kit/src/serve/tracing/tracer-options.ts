import type { Clock } from '../../core/clock.ts';
import type { Tracer } from '../../core/tracer.ts';
import type { Log } from '../log.ts';

export interface TracerOptions {
  readonly version: string;
  /** What tells this process from others of its service. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenTracer extends Tracer {
  /** Sends what is left, for a moment. */
  close(): Promise<void>;
}
