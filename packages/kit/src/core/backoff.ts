export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
  /** By what each delay is longer than the one before; 2 unless told. */
  readonly factor?: number;
  /** The share of the delay that chance may take away, 0 to 1; 0.5 unless told. */
  readonly jitter?: number;
  readonly random: () => number;
}

export interface Backoff {
  next(): number;
  reset(): void;
}

/** A growing, capped sequence of delays. Jitter only shortens, so `capMs` is a promise. */
export function createBackoff(options: BackoffOptions): Backoff {
  const { baseMs, capMs, factor = 2, jitter = 0.5, random } = options;
  let delayMs = baseMs;
  return {
    next() {
      const whole = Math.min(delayMs, capMs);
      delayMs = Math.min(delayMs * factor, capMs);
      return Math.round(whole * (1 - jitter * random()));
    },
    reset() {
      delayMs = baseMs;
    },
  };
}
