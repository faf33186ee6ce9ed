import type { Clock } from '@pod-identity/kit/core';

/** The clock as if nobody set it from now on: a request waits no longer when the clock of its node is set back meanwhile. */
export function steadyClock(clock: Clock): Clock {
  const startedAt = clock.now() - clock.elapsed();
  return { ...clock, now: () => startedAt + clock.elapsed() };
}
