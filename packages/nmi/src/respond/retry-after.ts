/** Seconds until it is worth while to ask again, as Azure told them; 'usual': Azure told none. */
export type RetryAfter = number | 'usual';

/**
 * Seconds that callers are told to wait where Azure told none: the first, the last, any of them by chance, so that pods that
 * failed together do not come back together. SDKs ask three to five times and wait as long as they are told each time: a
 * shorter time makes them give up sooner than without the header. A metadata service that is being updated is away for longer.
 */
const usual = {
  404: [5, 10],
  410: [10, 15],
  429: [5, 10],
  503: [5, 10],
} as const;

/** Of a status that is not in the table, such as another 5xx of Azure. */
const others = usual[503];

const isNamed = (status: number): status is keyof typeof usual => status in usual;

/** @param chance At least 0, less than 1. */
export function secondsOf(retryAfter: RetryAfter, status: number, chance: number): number {
  if (retryAfter !== 'usual') return Math.max(1, Math.ceil(retryAfter));
  const [first, last] = isNamed(status) ? usual[status] : others;
  return first + Math.floor(chance * (last - first + 1));
}
