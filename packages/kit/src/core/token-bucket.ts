interface TokenBucketOptions {
  readonly capacity: number;
  readonly refillPerMs: number;
  readonly now: number;
}

export interface TokenBucket {
  /** Takes a token and returns 0; without a token, returns the milliseconds until the next one. */
  take(now: number): number;
  available(now: number): number;
}

/** A token bucket that starts full. A clock that steps back has no effect. */
export function createTokenBucket(options: TokenBucketOptions): TokenBucket {
  const { capacity, refillPerMs } = options;
  let tokens = capacity;
  let filledAt = options.now;

  const available = (now: number) => {
    tokens = Math.min(capacity, tokens + Math.max(0, now - filledAt) * refillPerMs);
    filledAt = now;
    return tokens;
  };

  return {
    available,
    take(now) {
      if (available(now) >= 1) {
        tokens -= 1;
        return 0;
      }
      return Math.max(1, Math.ceil((1 - tokens) / refillPerMs));
    },
  };
}
