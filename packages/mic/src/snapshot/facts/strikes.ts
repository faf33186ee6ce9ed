// Namespaces with refused attempts on a host, and how many more attempts they have. Pure.
import type { Strike } from './facts.ts';
import { spend, waitFor, type Budget } from './budget.ts';

export type Strikes = ReadonlyMap<string, Strike>;

/** Limit for refused PATCHes that one namespace causes on one host. */
const attemptBudget: Budget = { burst: 4, everyMs: 120_000 };
/** A namespace without refusals for this time is clean again. */
const strikeMemoryMs = 24 * 3_600_000;
/** Limit of namespaces for one host: those refused longest ago are removed. */
const mostStrikes = 100;

export function isClean(strikes: Strikes, namespace: string): boolean {
  return !strikes.has(namespace);
}

/** How many of its attempts may be refused now. */
export function attemptsLeft(strikes: Strikes, namespace: string, now: number): number {
  const debt = Math.max(0, (strikes.get(namespace)?.spentUntil ?? 0) - now);
  return Math.max(0, Math.floor(attemptBudget.burst - debt / attemptBudget.everyMs));
}

/** When the namespace may make another attempt that may be refused. */
export function nextAttemptAt(strikes: Strikes, namespace: string, now: number): number {
  return now + waitFor(attemptBudget, { spentUntil: strikes.get(namespace)?.spentUntil ?? 0, now });
}

export interface Blame {
  readonly namespace: string;
  /** Number of refused PATCHes charged to it. */
  readonly refusals: number;
  /** Whether all refused ids had been accepted before. */
  readonly wasAccepted: boolean;
}

export function withBlame(strikes: Strikes, blame: Blame, now: number): Strikes {
  const { namespace, refusals } = blame;
  const before = strikes.get(namespace);
  let spentUntil = before?.spentUntil ?? 0;
  for (let count = 0; count < refusals; count += 1) spentUntil = spend(attemptBudget, { spentUntil, now });
  const distrusted = blame.wasAccepted || before?.distrusted === true;
  const after = new Map(strikes).set(namespace, { failedAt: now, spentUntil, distrusted });
  return after.size <= mostStrikes ? after : new Map(newestFirst(after).slice(0, mostStrikes));
}

export function isRemembered({ failedAt }: Strike, now: number): boolean {
  return failedAt + strikeMemoryMs > now;
}

/** When the last strike expires. */
export function forgottenAt(strikes: Strikes): number {
  return Math.max(0, ...Array.from(strikes.values(), ({ failedAt }) => failedAt + strikeMemoryMs));
}

function newestFirst(strikes: Strikes): [string, Strike][] {
  return [...strikes].sort(([, a], [, b]) => b.failedAt - a.failedAt);
}
