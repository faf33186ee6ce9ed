// How long a host's change waits for further ones: briefly on a quiet host, twice as long after each turn that closely follows another.

export interface DebounceLimits {
  /** How long the first change of a quiet host waits for others; up to a tenth of `longestMs` on a host with many turns. */
  readonly quietMs: number;
  /** The longest wait from the first change, however many follow. */
  readonly longestMs: number;
}

/** Consecutive turns of a host at short intervals. */
export interface RecentTurns {
  readonly count: number;
  /** Infinity during a turn. */
  readonly endedAt: number;
}

export const noTurns: RecentTurns = { count: 0, endedAt: -Infinity };

/** A host without a turn for this multiple of the longest wait is quiet again. */
const quietAfter = 2;
const longestShare = 0.1;
/** The wait has reached its limit far before this number. */
const mostCounted = 16;

export function waitMs(limits: DebounceLimits, turns: RecentTurns, now: number): number {
  const { quietMs, longestMs } = limits;
  const grown = Math.min(quietMs * 2 ** countOf(limits, turns, now), longestMs * longestShare);
  return Math.max(quietMs, grown);
}

export function beginTurn(limits: DebounceLimits, turns: RecentTurns, now: number): RecentTurns {
  return { count: Math.min(countOf(limits, turns, now) + 1, mostCounted), endedAt: Infinity };
}

/** Also for turns that were not counted at their start. */
export function endTurn(turns: RecentTurns, now: number): RecentTurns {
  return turns.endedAt === Infinity ? { ...turns, endedAt: now } : turns;
}

function countOf({ longestMs }: DebounceLimits, { count, endedAt }: RecentTurns, now: number): number {
  return now - endedAt < quietAfter * longestMs ? count : 0;
}
