// Which connection makes room where nobody has more connections than the newcomer's caller.
import type { Clock } from '../../core/clock.ts';

/** Since when a connection is idle. */
export interface IdleTime {
  /** A request has arrived. */
  asked(): void;
  /** Its requests are all answered. */
  answered(): void;
  readonly since: number;
}

export interface Resting {
  readonly idle: IdleTime;
}

/**
 * A connection that is to send its first request, or whose answer is under way, counts as idle so much later: newcomers do not close
 * it while others are idle. Not for longer: whoever never asks, or never reads the answer, would keep its place.
 */
const exchangeMs = 5_000;

export function createIdleTime(clock: Clock): IdleTime {
  let since = clock.elapsed() + exchangeMs;
  return {
    asked() {
      since = clock.elapsed() + exchangeMs;
    },
    answered() {
      since = clock.elapsed();
    },
    get since() {
      return since;
    },
  };
}

/** Among callers that have as many connections as the newcomer's: who has fewer loses none. */
export function longestIdle<L extends Resting>(
  newcomer: L,
  callers: Iterable<{ readonly size: number; lines(): readonly L[] }>,
  size: number,
): L | undefined {
  let found: L | undefined;
  for (const caller of callers) {
    if (caller.size < size) continue;
    for (const line of caller.lines())
      if (line !== newcomer && (found === undefined || line.idle.since < found.idle.since)) found = line;
  }
  return found;
}
