import {
  tracingFlags as flags,
  tracingOf,
  type FlagReading,
  type TracingSettings,
} from '@pod-identity/kit/core';
import { added, type NmiFlag } from './flag.ts';

export interface TracingConfig {
  /** Undefined: no traces. */
  readonly tracing: TracingSettings | undefined;
}

export const tracingFlags: readonly NmiFlag[] = flags.map((spec) =>
  added({ ...spec, why: 'traces of requests; the original has none' }),
);

export const tracingConfigOf = (reading: FlagReading): TracingConfig => ({
  tracing: tracingOf(reading, 'nmi'),
});
