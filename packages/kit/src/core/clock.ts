export interface Timer {
  cancel(): void;
}

/** All code that waits or measures takes a Clock, so that tests can control time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Monotonic milliseconds since a fixed moment of the process; unaffected when the machine's clock is set. */
  elapsed(): number;
  /** Resolves after `ms`; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms` by `elapsed`, never before, unless cancelled. */
  after(ms: number, run: () => void): Timer;
}

/** `sleep` of a clock with this `after`. */
export function sleepBy(after: Clock['after'], ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
