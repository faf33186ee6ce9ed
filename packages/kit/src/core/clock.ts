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
  /** Calls `run` once after `ms`, unless cancelled before. */
  after(ms: number, run: () => void): Timer;
}
