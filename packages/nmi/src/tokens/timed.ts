import type { Clock } from '@pod-identity/kit/core';

/** A request for a token that has ended, for metrics. */
export interface Ended {
  readonly ms: number;
  readonly isOk: boolean;
}

/** Calls `onEnded` when the request has ended. */
export async function timed<T>(
  clock: Pick<Clock, 'elapsed'>,
  onEnded: (ended: Ended) => void,
  request: () => Promise<T>,
): Promise<T> {
  const startedAt = clock.elapsed();
  let isOk = false;
  try {
    const result = await request();
    isOk = true;
    return result;
  } finally {
    onEnded({ ms: clock.elapsed() - startedAt, isOk });
  }
}
