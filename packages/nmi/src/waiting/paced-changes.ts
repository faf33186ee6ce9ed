import type { Clock, Timer } from '@pod-identity/kit/core';
import type { Changes } from './await-change.ts';

/** Those of any of them. */
export function eitherOf(...all: readonly Changes[]): Changes {
  return {
    subscribe(listener) {
      const stops = all.map((changes) => changes.subscribe(listener));
      return () => stops.forEach((stop) => stop());
    },
  };
}

/** After each round of listeners there is a pause of so many times its duration. */
const restPerWork = 4;

/**
 * Limits how often changes reach the listeners, since after each change every waiting request is decided again. The first change is passed on
 * at once, changes during the following pause in one round at its end: waiting requests take at most a fifth of the time.
 */
export function pacedChanges(changes: Changes, clock: Clock): Changes {
  const listeners = new Set<() => void>();
  let restsUntil = -Infinity;
  let late: Timer | undefined;
  let stop: (() => void) | undefined;

  const notify = () => {
    late = undefined;
    const begunAt = clock.elapsed();
    for (const listener of [...listeners]) listener();
    const endedAt = clock.elapsed();
    restsUntil = endedAt + (endedAt - begunAt) * restPerWork;
  };
  const onChange = () => {
    if (late) return;
    const restMs = restsUntil - clock.elapsed();
    if (restMs > 0) late = clock.after(restMs, notify);
    else notify();
  };
  const rest = () => {
    stop?.();
    late?.cancel();
    stop = late = undefined;
  };

  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    stop ??= changes.subscribe(onChange);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) rest();
    };
  };
  return { subscribe };
}
