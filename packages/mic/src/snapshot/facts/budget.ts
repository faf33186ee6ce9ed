// A budget that is kept as one number, so that it fits into a host's record and the next leader goes on with it: the
// time at which everything that was spent will have come back. Pure.

export interface Budget {
  /** That many may be spent at once. */
  readonly burst: number;
  /** One more comes back after each of these intervals. */
  readonly everyMs: number;
}

/**
 * PATCHes of one host. Below what ARM publishes for each resource (a burst of 12 and 4 a minute), because the owner's own
 * tools and cluster upgrades draw on the same quota.
 */
export const updateBudget: Budget = { burst: 8, everyMs: 20_000 };

export interface Spent {
  readonly spentUntil: number;
  readonly now: number;
}

/** What the budget becomes when one is spent. */
export function spend(budget: Budget, { spentUntil, now }: Spent): number {
  return atMost(budget, { spentUntil: Math.max(spentUntil, now) + budget.everyMs, now });
}

/** How long until one may be spent and `keep` are left; 0 when that is now. */
export function waitFor(budget: Budget, spent: Spent, keep = 0): number {
  const debt = atMost(budget, spent) - spent.now;
  return Math.max(0, debt - (budget.burst - 1 - keep) * budget.everyMs);
}

/** When so little is missing that a record need not be kept for it alone. */
export function hardlySpentAt({ burst, everyMs }: Budget, spentUntil: number): number {
  return spentUntil - (burst / 2) * everyMs;
}

/** A record of a process whose clock was ahead never holds for longer than an empty budget would. */
function atMost({ burst, everyMs }: Budget, { spentUntil, now }: Spent): number {
  return Math.min(spentUntil, now + burst * everyMs);
}
