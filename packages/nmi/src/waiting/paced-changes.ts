import type { Clock, Timer } from '@pod-identity/kit/core';
import type { Changes } from './await-change.ts';

/** After each round of deciding again there is a pause of so many times its length. */
const restPerWork = 4;

/**
 * Changes for all who wait, at a pace: editors change objects as fast as the API server lets them, and each change has everybody who waits
 * decide again. The first change is told at once, what comes during the rest after it in one round at its end: so at most a
 * fifth of the time goes to callers who wait, however many they are.
 */
export function pacedChanges(changes: Changes, clock: Clock): Changes {
  const listeners = new Set<() => void>();
  let restsUntil = -Infinity;
  let late: Timer | undefined;
  let stop: (() => void) | undefined;

  const tell = () => {
    late = undefined;
    const begunAt = clock.elapsed();
    for (const listener of [...listeners]) listener();
    const endedAt = clock.elapsed();
    restsUntil = endedAt + (endedAt - begunAt) * restPerWork;
  };
  const onChange = () => {
    if (late) return;
    const restMs = restsUntil - clock.elapsed();
    if (restMs > 0) late = clock.after(restMs, tell);
    else tell();
  };
  const rest = () => {
    stop?.();
    late?.cancel();
    stop = late = undefined;
  };

  return (listener) => {
    listeners.add(listener);
    stop ??= changes(onChange);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) rest();
    };
  };
}
