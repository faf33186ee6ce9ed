/** Seconds of Azure's Retry-After; 'usual': Azure sent none. */
export type RetryAfter = number | 'usual';

/**
 * Range of Retry-After in seconds if Azure sent none; a random value, so that pods that failed together do not retry together. SDKs retry
 * three to five times after this time: with a shorter one they give up sooner than without the header. 410 (an update) takes longer.
 */
const usual = {
  404: [5, 10],
  410: [10, 15],
  429: [5, 10],
  503: [5, 10],
} as const;

/** For other statuses, such as another 5xx of Azure. */
const others = usual[503];

const isNamed = (status: number): status is keyof typeof usual => status in usual;

/** @param chance At least 0, less than 1. */
export function secondsOf(retryAfter: RetryAfter, status: number, chance: number): number {
  if (retryAfter !== 'usual') return Math.max(1, Math.ceil(retryAfter));
  const [first, last] = isNamed(status) ? usual[status] : others;
  return first + Math.floor(chance * (last - first + 1));
}
