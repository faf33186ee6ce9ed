import type { Tenant } from './fair-queue.ts';
import { RecentMap } from './recent.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

interface BudgetOptions {
  readonly burst: number;
  readonly perSecond: number;
}

interface Budgets {
  /** Takes a token, or as many as told; false, and takes none, if there are too few. */
  take(owner: string, now: number, tokens?: number): boolean;
  /** Whether `take` would. */
  has(owner: string, now: number, tokens?: number): boolean;
}

/** An evicted owner starts with a full bucket again, so owners must not be what an editor can multiply without another limit. */
const ownersKept = 1_024;

/** A token bucket for each owner, such as a namespace. */
export function createBudgets({ burst, perSecond }: BudgetOptions): Budgets {
  const buckets = new RecentMap<string, TokenBucket>(ownersKept);
  const bucketOf = (owner: string, now: number): TokenBucket => {
    const bucket =
      buckets.get(owner) ?? createTokenBucket({ capacity: burst, refillPerMs: perSecond / 1000, now });
    buckets.set(owner, bucket);
    return bucket;
  };
  return {
    take: (owner, now, tokens) => bucketOf(owner, now).take(now, tokens) === 0,
    has: (owner, now, tokens = 1) => bucketOf(owner, now).available(now) >= tokens,
  };
}

interface TenantBudgets {
  /** Takes from the budgets of the pod and of its namespace; false, and takes nothing, if either has too little. More than a budget can hold takes all of it. */
  take(tenant: Tenant, now: number, tokens?: number): boolean;
}

/** A budget for each namespace and a smaller one for each pod, so that one pod leaves something to the others of its namespace. */
export function createTenantBudgets(of: {
  readonly namespace: BudgetOptions;
  readonly pod: BudgetOptions;
}): TenantBudgets {
  const namespaces = createBudgets(of.namespace);
  const pods = createBudgets(of.pod);
  return {
    take: ({ namespace, pod }, now, tokens = 1) => {
      const own = `${namespace}/${pod}`;
      const ofPod = Math.min(tokens, of.pod.burst);
      // Nothing is taken from the pod if its namespace has too little.
      return (
        pods.has(own, now, ofPod) &&
        namespaces.take(namespace, now, Math.min(tokens, of.namespace.burst)) &&
        pods.take(own, now, ofPod)
      );
    },
  };
}
