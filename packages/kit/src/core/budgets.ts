import { RecentMap } from './recent.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface BudgetOptions {
  readonly burst: number;
  readonly perSecond: number;
  /** Namespaces remembered (1,024 unless told). One that is forgotten has its whole burst again. */
  readonly kept?: number;
}

/** What each namespace may have done: what one of them uses up, no other one lacks. */
export interface Budgets {
  /** Takes one, if there is one. */
  take(namespace: string, now: number): boolean;
}

export function createBudgets({ burst, perSecond, kept = 1_024 }: BudgetOptions): Budgets {
  const buckets = new RecentMap<string, TokenBucket>(kept);
  return {
    take(namespace, now) {
      const bucket =
        buckets.get(namespace) ?? createTokenBucket({ capacity: burst, refillPerMs: perSecond / 1000, now });
      buckets.set(namespace, bucket);
      return bucket.take(now) === 0;
    },
  };
}
