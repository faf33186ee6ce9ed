import type { Clock } from '@pod-identity/kit/core';

const pauseMs = 5_000;

/** One reading at a time for all who ask, and none within five seconds of the end of the last, also where that failed. */
export function createSharedRead<T>(clock: Pick<Clock, 'elapsed'>, read: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let endedAt = Infinity;
  return () => {
    if (latest !== undefined && clock.elapsed() - endedAt < pauseMs) return latest;
    endedAt = Infinity;
    const reading = read();
    const end = () => void (endedAt = clock.elapsed());
    reading.then(end, end);
    return (latest = reading);
  };
}
