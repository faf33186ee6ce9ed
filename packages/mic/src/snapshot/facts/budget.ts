// A budget kept as one number, the time at which all that was spent is available again. It fits into the record of a host, so the
// next leader continues with it. Pure.

export interface Budget {
  /** Units that can be spent at once. */
  readonly burst: number;
  /** Interval after which one unit becomes available again. */
  readonly everyMs: number;
}

/**
 * PATCHes of one host. Below the limit that ARM publishes for each resource (a burst of 12 and 4 a minute), because the owner's own
 * tools and cluster upgrades use the same quota.
 */
export const updateBudget: Budget = { burst: 8, everyMs: 20_000 };

export interface Spent {
  readonly spentUntil: number;
  readonly now: number;
}

/** The new `spentUntil` after one unit is spent. */
export function spend(budget: Budget, { spentUntil, now }: Spent): number {
  return atMost(budget, { spentUntil: Math.max(spentUntil, now) + budget.everyMs, now });
}

/** Time until one unit can be spent with `keep` units left; 0 if now. */
export function waitFor(budget: Budget, spent: Spent, keep = 0): number {
  const debt = atMost(budget, spent) - spent.now;
  return Math.max(0, debt - (budget.burst - 1 - keep) * budget.everyMs);
}

/** The time from which so little is missing that a record need not be kept for it alone. */
export function hardlySpentAt({ burst, everyMs }: Budget, spentUntil: number): number {
  return spentUntil - (burst / 2) * everyMs;
}

/** Limits a `spentUntil` from a process whose clock was ahead to that of an empty budget. */
function atMost({ burst, everyMs }: Budget, { spentUntil, now }: Spent): number {
  return Math.min(spentUntil, now + burst * everyMs);
}
