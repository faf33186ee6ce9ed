interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
  /** The largest share by which chance shortens a delay, 0 to 1 (default 0.5). */
  readonly jitter?: number;
  readonly random: () => number;
}

export type Backoff = ReturnType<typeof createBackoff>;

/** Delays that double up to `capMs`. Jitter only shortens them. */
export function createBackoff(options: BackoffOptions) {
  const { baseMs, capMs, jitter = 0.5, random } = options;
  let delayMs = baseMs;
  return {
    next(): number {
      const whole = Math.min(delayMs, capMs);
      delayMs = Math.min(delayMs * 2, capMs);
      return Math.round(whole * (1 - jitter * random()));
    },
    reset(): void {
      delayMs = baseMs;
    },
  };
}
