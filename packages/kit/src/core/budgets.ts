import type { Tenant } from './fair-queue.ts';
import { RecentMap } from './recent.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface Budget {
  /** Tokens at once, and a second on average. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Far more than a node has pods, or a cluster busy namespaces. */
const usuallyKept = 1_024;

interface BucketOptions extends Budget {
  /** Buckets that are kept at a time (default 1,024). */
  readonly kept?: number;
  /**
   * What a further owner gets. `evict`, by default: a bucket in place of the one that was used longest ago, since that one has refilled most. Its
   * owner starts with a full one, so owners must not be what an editor can multiply without another limit. `share`: one bucket with all
   * others like it, unless one of the kept ones is full. So nobody gains by making it forget a spent one; for owners that are all of one editor.
   */
  readonly beyond?: 'evict' | 'share';
}

export type BucketOf = (owner: string, now: number) => TokenBucket;

/** A token bucket for each owner, such as a namespace. */
export function createBuckets(options: BucketOptions): BucketOf {
  const { burst, perSecond, kept = usuallyKept, beyond = 'evict' } = options;
  const buckets = new RecentMap<string, TokenBucket>(kept);
  const create = (now: number) => createTokenBucket({ capacity: burst, refillPerMs: perSecond / 1000, now });
  let shared: TokenBucket | undefined;

  const isFull = (now: number): boolean => {
    if (beyond === 'evict' || buckets.size < kept) return false;
    for (const [owner, bucket] of buckets) if (bucket.available(now) >= burst) buckets.delete(owner);
    return buckets.size >= kept;
  };
  return (owner, now) => {
    const known = buckets.get(owner);
    if (!known && isFull(now)) return (shared ??= create(now));
    const bucket = known ?? create(now);
    // Also a known one, which is now the one used last.
    buckets.set(owner, bucket);
    return bucket;
  };
}

interface Budgets {
  /** Takes a token, or as many as told; false, and takes none, if there are too few. */
  take(owner: string, now: number, tokens?: number): boolean;
  /** Whether `take` would. */
  has(owner: string, now: number, tokens?: number): boolean;
}

/** `createBuckets` for callers that need no more than yes or no. */
export function createBudgets(options: BucketOptions): Budgets {
  const bucketOf = createBuckets(options);
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
export function createTenantBudgets(of: { readonly namespace: Budget; readonly pod: Budget }): TenantBudgets {
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
