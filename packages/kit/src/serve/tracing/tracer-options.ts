import type { Tracer } from '../../core/tracer.ts';
import type { Ambient } from '../ambient.ts';

export interface TracerOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly version: string;
  /** What tells this process from others of its service. */
  readonly instance: string;
}

export interface OpenTracer extends Tracer {
  /** Sends what is left, for a moment. */
  close(): Promise<void>;
}
