interface TokenBucketOptions {
  readonly capacity: number;
  readonly refillPerMs: number;
  readonly now: number;
}

export interface TokenBucket {
  /** Takes a token, or as many as told, and returns 0; if there are too few, returns the milliseconds until there are enough. */
  take(now: number, tokens?: number): number;
  available(now: number): number;
}

/** A token bucket that starts full. A clock that steps back has no effect. */
export function createTokenBucket(options: TokenBucketOptions): TokenBucket {
  const { capacity, refillPerMs } = options;
  let left = capacity;
  let filledAt = options.now;

  const available = (now: number) => {
    left = Math.min(capacity, left + Math.max(0, now - filledAt) * refillPerMs);
    filledAt = now;
    return left;
  };

  return {
    available,
    take(now, tokens = 1) {
      if (available(now) >= tokens) {
        left -= tokens;
        return 0;
      }
      return Math.max(1, Math.ceil((tokens - left) / refillPerMs));
    },
  };
}
