// How long a host's change waits for others to join it: briefly on a quiet host, twice as long after each turn that closely
// follows another one.

export interface DebounceLimits {
  /** How much quiet the first change of a quiet host waits for; a host with many turns up to a tenth of `longestMs`. */
  readonly quietMs: number;
  /** The longest wait from the first change, however many follow it. */
  readonly longestMs: number;
}

/** The turns of a host that followed each other closely. */
export interface RecentTurns {
  readonly count: number;
  /** Infinity while one of them lasts: the host is not quiet then. */
  readonly endedAt: number;
}

export const noTurns: RecentTurns = { count: 0, endedAt: -Infinity };

/** A host without a turn for so many times the longest wait is quiet again. */
const quietAfter = 2;
const longestShare = 0.1;
/** With so many the wait has long reached its limit. */
const mostCounted = 16;

export function waitMs(limits: DebounceLimits, turns: RecentTurns, now: number): number {
  const { quietMs, longestMs } = limits;
  const grown = Math.min(quietMs * 2 ** countOf(limits, turns, now), longestMs * longestShare);
  return Math.max(quietMs, grown);
}

export function beginTurn(limits: DebounceLimits, turns: RecentTurns, now: number): RecentTurns {
  return { count: Math.min(countOf(limits, turns, now) + 1, mostCounted), endedAt: Infinity };
}

/** Turns that were not counted when they began end as well. */
export function endTurn(turns: RecentTurns, now: number): RecentTurns {
  return turns.endedAt === Infinity ? { ...turns, endedAt: now } : turns;
}

function countOf({ longestMs }: DebounceLimits, { count, endedAt }: RecentTurns, now: number): number {
  return now - endedAt < quietAfter * longestMs ? count : 0;
}
