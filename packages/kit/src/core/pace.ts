export interface PaceOptions {
  /** On average; 0: unlimited. */
  readonly perSecond: number;
  readonly now: number;
}

/** Limits how many requests of one caller are read. */
export interface Pace {
  /** Counts one request that was read. `wait`: stop reading for now. `refuse`: moreover refuse this request. */
  take(now: number): 'go' | 'wait' | 'refuse';
  /** Milliseconds until a request may be read; 0: now. */
  waitMs(now: number): number;
  /** How many may be read now. */
  available(now: number): number;
}

/** Programs start with many requests. */
const burstSeconds = 5;
/** Several requests can arrive in one packet and are read before reading can stop; those of so many seconds are still served. */
const overdrawnSeconds = 1;
/** Further requests lengthen the wait, up to this. */
const debtSeconds = 10;

const unlimited: Pace = { take: () => 'go', waitMs: () => 0, available: () => Infinity };

/**
 * A token bucket that may be overdrawn: after that, the caller's requests are not read until the bucket has refilled. So the average
 * rate holds whatever a caller does.
 */
export function createPace({ perSecond, now: startedAt }: PaceOptions): Pace {
  if (perSecond === 0) return unlimited;
  const burst = perSecond * burstSeconds;
  let tokens = burst;
  let filledAt = startedAt;

  const available = (now: number): number => {
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) * perSecond) / 1000);
    filledAt = now;
    return tokens;
  };

  return {
    available,
    take(now) {
      tokens = Math.max(-debtSeconds * perSecond, available(now) - 1);
      if (tokens >= 1) return 'go';
      return tokens >= -overdrawnSeconds * perSecond ? 'wait' : 'refuse';
    },
    waitMs(now) {
      const missing = 1 - available(now);
      return missing <= 0 ? 0 : Math.ceil((missing * 1000) / perSecond);
    },
  };
}
