import type { ImdsError } from './errors.ts';

/** What is known after a failed try. */
export interface FailedTry {
  readonly error: ImdsError;
  /** How many retries there have been: 0 after the first try. */
  readonly retries: number;
  readonly maxRetries: number;
  /** At least 0, less than 1. */
  readonly chance: number;
}

const baseMs = 2_000;
/** After 410 the service is being updated and back within 70 seconds: four waits, doubling from here, last that long. */
const updatingBaseMs = 5_000;
const capMs = 60_000;

/**
 * How long to wait before the next try; undefined: give up. The waits are those that IMDS documents (2, 4, 8, 16 s), or what
 * it asked for; a wait longer than a minute is for the caller to decide on. Up to a fifth is added by chance, so that pods
 * that failed together do not come back together.
 */
export function retryDelayMs({ error, retries, maxRetries, chance }: FailedTry): number | undefined {
  if (!error.retryable || retries >= maxRetries) return undefined;
  const doubling = (error.status === 410 ? updatingBaseMs : baseMs) * 2 ** retries;
  const delay = error.retryAfterInMs ?? Math.min(doubling, capMs);
  return delay > capMs ? undefined : delay * (1 + chance / 5);
}
