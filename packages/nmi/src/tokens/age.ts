/** When a token of some expiry is to be renewed; all in milliseconds since the epoch. */
export interface TokenAge {
  /** From here on its next use asks for another one on the side. */
  readonly refreshAt: number;
  /** From here on it is given out only when there is no other one. */
  readonly freshUntil: number;
}

const longestMarginMs = 5 * 60_000;
const longLifeMs = 2 * 60 * 60_000;
/** The part of its time that a token loses: all that a node got at one moment are not renewed at one moment. */
const spread = { least: 0.02, most: 0.1 } as const;

/** Half the life of a long-lived token, all but five minutes of a shorter one's; a little earlier, as chance (0 to 1) has it. */
export function ageOf({ now, expiresOn }: { now: number; expiresOn: number }, chance: number): TokenAge {
  const lifeMs = Math.max(0, expiresOn - now);
  const freshMs = lifeMs - Math.min(longestMarginMs, lifeMs / 2);
  const dueMs = lifeMs > longLifeMs ? lifeMs / 2 : freshMs;
  const early = spread.least + (spread.most - spread.least) * chance;
  return { refreshAt: now + dueMs * (1 - early), freshUntil: now + freshMs };
}
