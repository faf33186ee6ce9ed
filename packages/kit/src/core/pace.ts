export interface PaceOptions {
  /** On average; 0: as many as come. */
  readonly perSecond: number;
  readonly now: number;
}

/** How many requests of one caller are read. */
export interface Pace {
  /** One request has been read. `wait`: no more may be, until time has passed. `refuse`: this one is not to be answered either. */
  take(now: number): 'go' | 'wait' | 'refuse';
  /** Milliseconds until a request may be read; 0: now. */
  waitMs(now: number): number;
  /** How many may be read at this moment. */
  available(now: number): number;
}

/** Five seconds' worth at once: programs start with many requests. */
const burstSeconds = 5;
/** Requests come together in one packet, so some are read before reading can stop. So many seconds' worth are still answered. */
const overdrawnSeconds = 1;
/** What was read beyond that is paid for by waiting, at most so long. */
const debtSeconds = 10;

const unlimited: Pace = { take: () => 'go', waitMs: () => 0, available: () => Infinity };

/**
 * A bucket that may be overdrawn: what is read is read, and the caller is not read again until it has been paid for. So
 * whatever a caller does, on average no more of its requests cost anything than it is allowed.
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
