import { RecentMap } from './recent.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

interface BudgetOptions {
  readonly burst: number;
  readonly perSecond: number;
}

/** A token bucket for each namespace. */
interface Budgets {
  /** Takes a token, or as many as told; false, and takes none, if there are too few. */
  take(namespace: string, now: number, tokens?: number): boolean;
}

/** An evicted namespace starts with a full bucket again. */
const namespacesKept = 1_024;

/** A token bucket for each namespace. */
export function createBudgets({ burst, perSecond }: BudgetOptions): Budgets {
  const buckets = new RecentMap<string, TokenBucket>(namespacesKept);
  return {
    take(namespace, now, tokens) {
      const bucket =
        buckets.get(namespace) ?? createTokenBucket({ capacity: burst, refillPerMs: perSecond / 1000, now });
      buckets.set(namespace, bucket);
      return bucket.take(now, tokens) === 0;
    },
  };
}
