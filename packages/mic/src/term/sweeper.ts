// Hands on what changes of the cluster have made dirty: one edit can concern thousands of pods, and an editor can repeat it.
import type { Clock, Timer } from '@pod-identity/kit/core';

interface SweeperPorts {
  readonly clock: Clock;
  /** Lets timers and sockets run. */
  readonly yieldTurn: () => Promise<void>;
  readonly onSweep: () => void;
}

export function createSweeper({ clock, yieldTurn, onSweep }: SweeperPorts) {
  let isDue = false;
  let isStopped = false;
  let next: Timer | undefined;
  let restUntil = -Infinity;

  const sweep = () => {
    isDue = false;
    next?.cancel();
    if (isStopped) return;
    const begunAt = clock.elapsed();
    onSweep();
    // Others have the thread for as long.
    restUntil = 2 * clock.elapsed() - begunAt;
  };
  return {
    sweep,
    /** Changes that come together are handled together. */
    sweepSoon() {
      if (isDue || isStopped) return;
      isDue = true;
      const restMs = restUntil - clock.elapsed();
      if (restMs > 0) next = clock.after(restMs, sweep);
      else void yieldTurn().then(sweep);
    },
    stop() {
      isStopped = true;
      next?.cancel();
    },
  };
}
