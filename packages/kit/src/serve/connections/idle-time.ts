// The connection to close if no caller has more than the newcomer.
import type { Clock } from '../../core/clock.ts';

export interface Resting {
  readonly idle: ReturnType<typeof createIdleTime>;
}

/**
 * A connection before its first request, or with an unanswered one, counts as idle so much later, so that newcomers close idle ones
 * first. Limited, since a caller that never sends a request or never reads would keep its place.
 */
const exchangeMs = 5_000;

export function createIdleTime(clock: Clock) {
  let since = clock.elapsed() + exchangeMs;
  return {
    /** Called for each request. */
    requestArrived(): void {
      since = clock.elapsed() + exchangeMs;
    },
    /** Called when all requests are answered. */
    responsesSent(): void {
      since = clock.elapsed();
    },
    get since() {
      return since;
    },
  };
}

/** Among callers with as many connections as the newcomer; callers with fewer lose none. */
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
