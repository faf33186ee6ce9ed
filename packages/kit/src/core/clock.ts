/** A timer that has been set and may still be called off. */
export interface Timer {
  cancel(): void;
}

/** The port to time. Whoever waits or measures takes one, so that tests can hold the clock still. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since a moment that is the same for the whole process. They go on evenly when the machine's clock is set. */
  elapsed(): number;
  /** Resolves after `ms`; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms`, unless cancelled before. */
  after(ms: number, run: () => void): Timer;
}
