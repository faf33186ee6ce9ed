import type { ImdsError } from './errors.ts';

/** What is known after a failed request. */
export interface FailedTry {
  readonly error: ImdsError;
  /** How many retries there were: 0 after the first request. */
  readonly retries: number;
  readonly maxRetries: number;
  /** At least 0, less than 1. */
  readonly chance: number;
  /** Milliseconds until the deadline. */
  readonly leftMs: number;
}

const baseMs = 2_000;
/** After 410 the service is being updated and back within 70 seconds: four waits, doubling from here, last that long. */
const updatingBaseMs = 5_000;
const capMs = 60_000;
const mostAdded = 1 / 5;

/**
 * How long to wait before the next retry, in milliseconds; undefined: give up; `late`: the deadline leaves no time for one. The waits are those
 * that IMDS documents (2, 4, 8, 16 s), or its Retry-After, but at least 2 s; a wait of more than a minute is left to the caller. Up to a
 * fifth is added at random, so that pods that failed together do not retry together. The longest such wait must end before the deadline: whether
 * there is another request is not left to chance, and no time is spent for none.
 */
export function retryDelayMs(failed: FailedTry): number | 'late' | undefined {
  const { error, retries, maxRetries, chance, leftMs } = failed;
  if (!error.retryable || retries >= maxRetries) return undefined;
  const doubling = (error.status === 410 ? updatingBaseMs : baseMs) * 2 ** retries;
  // NMI states when its answer may change, which doubled waits would miss.
  const delay = Math.max(error.retryAfterMs ?? Math.min(doubling, capMs), baseMs);
  if (delay > capMs) return undefined;
  return delay * (1 + mostAdded) >= leftMs ? 'late' : delay * (1 + chance * mostAdded);
}
