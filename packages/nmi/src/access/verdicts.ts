// Room: whether the ServiceAccount of a pod may use an Azure identity: reviews by the API server, kept for seconds.
// It must not choose an identity, get a token, or choose a status or text.
import { createTenantBudgets, withDeadline, type Clock, type Tenant } from '@pod-identity/kit/core';
import { reviewNames } from '@pod-identity/policy';
import { createTurnQueues, runInTurn } from '../waiting/turn-queues.ts';
import { createPairCache, type Entry } from './pair-cache.ts';
import { judge, type AccessAges } from './judge.ts';
import type { AccessPair, ReviewUse, AccessVerdict } from './types.ts';

export interface VerdictsOptions extends AccessAges {
  readonly reviewUse: ReviewUse;
  readonly clock: Clock;
  /** Called at the end of each review of a pair. */
  readonly onReviewed?: (verdict: AccessVerdict) => void;
}

export type Verdicts = ReturnType<typeof createVerdicts>;

/** Limits for reviews. One review of a pair can need a request for each name of its target. */
const pace = { atATime: 16, quota: { burst: 64, perSecond: 40 }, patienceMs: 4_000 };
const slots = { atATime: 16, waiting: { total: 512, perNamespace: 128, perPod: 32 } };
/** Limits for reviews of one pod and of one namespace; beyond them the verdict is `busy`. */
const budgets = { namespace: { burst: 256, perSecond: 25 }, pod: { burst: 100, perSecond: 10 } };
const kept = { total: 2_048, perNamespace: 256 };
/** For all names of a target together. At most the shortest maximum age, so that each result is valid when it arrives. */
const longestReviewMs = 5_000;

/** Caches verdicts by pair. A denial ends an earlier allowance at once; a review that failed does not, within the grace period. */
export function createVerdicts(options: VerdictsOptions) {
  const { clock, onReviewed } = options;
  const cache = createPairCache(kept);
  const reviewPair = createReview(options);

  const reviewEntry = async (entry: Entry, tenant: Tenant): Promise<AccessVerdict> => {
    const { verdict, level, startedAt } = await reviewPair(entry, tenant);
    onReviewed?.(verdict);
    if (verdict === 'busy') return verdict;
    if (verdict === 'unanswered') {
      entry.known = { ...entry.known, failure: { startedAt, endedAt: clock.elapsed() } };
      return verdict;
    }
    entry.known = { result: { isAllowed: verdict === 'allowed', startedAt } };
    entry.level = level;
    cache.renew(entry);
    return verdict;
  };
  const start = (entry: Entry, tenant: Tenant) => {
    entry.review = reviewEntry(entry, tenant).finally(() => {
      entry.review = undefined;
    });
    return entry.review;
  };
  const reviewOf = (entry: Entry, tenant: Tenant) => entry.review ?? start(entry, tenant);

  const known = (pair: AccessPair, tenant: Tenant): AccessVerdict | undefined => {
    const entry = cache.get(pair);
    if (!entry) return undefined;
    const { verdict, isDue } = judge(entry.known, clock.elapsed(), options);
    if (isDue) void reviewOf(entry, tenant);
    return verdict;
  };

  return {
    /** The valid verdict; undefined: the pair must be reviewed. A verdict that expires soon is renewed in the background. */
    known,
    /** The valid verdict, or the result of a new review, one at a time for each pair. Never rejects. */
    verdict: async (pair: AccessPair, tenant: Tenant): Promise<AccessVerdict> => {
      const before = known(pair, tenant);
      if (before !== undefined) return before;
      const entry = cache.open(pair);
      const verdict = await reviewOf(entry, tenant);
      if (verdict !== 'unanswered') return verdict;
      return judge(entry.known, clock.elapsed(), options).verdict ?? 'unanswered';
    },
  };
}

interface PairReview {
  readonly verdict: AccessVerdict;
  readonly level: number;
  /** When the review began. */
  readonly startedAt: number;
}
const busy: PairReview = { verdict: 'busy', level: 0, startedAt: 0 };

/** Reviews one pair, in turn. */
function createReview(options: VerdictsOptions) {
  const { clock } = options;
  const { reviews } = createTurnQueues({ clock, all: pace, queues: { reviews: slots } });
  const allowance = createTenantBudgets(budgets);
  let respondedAt = -Infinity;

  /** The verdict if no turn came: `unanswered` if the API server responded to nobody during the whole wait, otherwise `busy`. */
  const withoutTurn = (enteredAt: number): PairReview =>
    clock.elapsed() - enteredAt >= pace.patienceMs && respondedAt < enteredAt
      ? { verdict: 'unanswered', level: 0, startedAt: enteredAt }
      : busy;

  return async (entry: Entry, tenant: Tenant): Promise<PairReview> => {
    const enteredAt = clock.elapsed();
    if (!allowance.take(tenant, enteredAt)) return busy;
    const reviewed = await runInTurn(reviews, { tenant }, async () => {
      const startedAt = clock.elapsed();
      const result = await reviewNamesInTime(entry, options);
      if (result.verdict !== 'unanswered') respondedAt = clock.elapsed();
      return { ...result, startedAt };
    });
    return reviewed ?? withoutTurn(enteredAt);
  };
}

/** In limited time for all names together. */
async function reviewNamesInTime(
  { pair, level }: Entry,
  { reviewUse, clock }: VerdictsOptions,
): Promise<Omit<PairReview, 'startedAt'>> {
  const { subject, target } = pair;
  const { resource } = target;
  try {
    const result = await withDeadline(
      { clock, ms: longestReviewMs, awaited: 'review of the API server' },
      (signal) => reviewNames(target, level, (name) => reviewUse({ subject, resource, name }, signal)),
    );
    return result.kind === 'allowed'
      ? { verdict: 'allowed', level: result.level }
      : { verdict: 'denied', level: 0 };
  } catch {
    return { verdict: 'unanswered', level };
  }
}
