// Room: whether the ServiceAccount of a pod may use an Azure identity: asks the API server, and keeps its answers for seconds.
// It must not choose an identity, get a token, or choose a status or text.
import { createTenantBudgets, type Clock, type Tenant } from '@pod-identity/kit/core';
import { askNames } from '@pod-identity/policy';
import { createTurnQueues, runInTurn } from '../waiting/turn-queues.ts';
import { createBook, type Entry } from './book.ts';
import { judge, type AccessAges } from './judge.ts';
import type { AccessPair, AskForAccess, Verdict } from './types.ts';

export interface VerdictsOptions extends AccessAges {
  readonly ask: AskForAccess;
  readonly clock: Clock;
  /** Called at the end of each question about a pair. */
  readonly onAsked: (verdict: Verdict) => void;
}

export interface Verdicts {
  /** The valid verdict; undefined: it must be asked. A verdict that expires soon is renewed in the background. */
  readonly known: (pair: AccessPair, tenant: Tenant) => Verdict | undefined;
  /** The valid verdict, or the answer to a new question, one at a time for each pair. Never rejects. */
  readonly verdict: (pair: AccessPair, tenant: Tenant) => Promise<Verdict>;
}

/** Limits for questions to the API server. One question can need a request for each name of its target. */
const pace = { atATime: 16, quota: { burst: 64, perSecond: 40 }, patienceMs: 4_000 };
const places = { atATime: 16, waiting: { total: 512, perNamespace: 128, perPod: 32 } };
/** Limits for questions of one pod and of one namespace; beyond them the verdict is `busy`. */
const budgets = { namespace: { burst: 256, perSecond: 25 }, pod: { burst: 100, perSecond: 10 } };
const kept = { total: 2_048, perNamespace: 256 };
/** For all names of a target together. At most the shortest maximum age, so that each answer is valid when it arrives. */
const longestQuestionMs = 5_000;

/** Caches verdicts by pair. A denial ends an earlier allowance at once; a question without an answer does not, within the grace period. */
export function createVerdicts(options: VerdictsOptions): Verdicts {
  const { clock, onAsked } = options;
  const book = createBook(kept);
  const question = createQuestion(options);

  const ask = async (entry: Entry, tenant: Tenant): Promise<Verdict> => {
    const { verdict, level, askedAt } = await question(entry, tenant);
    onAsked(verdict);
    if (verdict === 'busy') return verdict;
    if (verdict === 'unanswered') {
      entry.known = { ...entry.known, failure: { askedAt, endedAt: clock.elapsed() } };
      return verdict;
    }
    entry.known = { answer: { isAllowed: verdict === 'allowed', askedAt } };
    entry.level = level;
    book.renew(entry);
    return verdict;
  };
  const start = (entry: Entry, tenant: Tenant) => {
    entry.question = ask(entry, tenant).finally(() => {
      entry.question = undefined;
    });
    return entry.question;
  };
  const asked = (entry: Entry, tenant: Tenant) => entry.question ?? start(entry, tenant);

  const known = (pair: AccessPair, tenant: Tenant): Verdict | undefined => {
    const entry = book.get(pair);
    if (!entry) return undefined;
    const { verdict, isDue } = judge(entry.known, clock.elapsed(), options);
    if (isDue) void asked(entry, tenant);
    return verdict;
  };

  return {
    known,
    verdict: async (pair, tenant) => {
      const before = known(pair, tenant);
      if (before !== undefined) return before;
      const entry = book.open(pair);
      const verdict = await asked(entry, tenant);
      if (verdict !== 'unanswered') return verdict;
      return judge(entry.known, clock.elapsed(), options).verdict ?? 'unanswered';
    },
  };
}

interface Answered {
  readonly verdict: Verdict;
  readonly level: number;
  /** When the question began. */
  readonly askedAt: number;
}
const busy: Answered = { verdict: 'busy', level: 0, askedAt: 0 };

/** Asks one question about a pair, in turn. */
function createQuestion(options: VerdictsOptions) {
  const { clock } = options;
  const { reviews } = createTurnQueues({ clock, all: pace, queues: { reviews: places } });
  const allowance = createTenantBudgets(budgets);
  let answeredAt = -Infinity;

  /** The verdict if no turn came: `unanswered` if the API server answered nobody during the whole wait, otherwise `busy`. */
  const withoutTurn = (enteredAt: number): Answered =>
    clock.elapsed() - enteredAt >= pace.patienceMs && answeredAt < enteredAt
      ? { verdict: 'unanswered', level: 0, askedAt: enteredAt }
      : busy;

  return async (entry: Entry, tenant: Tenant): Promise<Answered> => {
    const enteredAt = clock.elapsed();
    if (!allowance.take(tenant, enteredAt)) return busy;
    const answered = await runInTurn(reviews, { tenant }, async () => {
      const askedAt = clock.elapsed();
      const answer = await askPair(entry, options);
      if (answer.verdict !== 'unanswered') answeredAt = clock.elapsed();
      return { ...answer, askedAt };
    });
    return answered ?? withoutTurn(enteredAt);
  };
}

/** In limited time for all names together. */
async function askPair(
  { pair, level }: Entry,
  { ask, clock }: VerdictsOptions,
): Promise<Omit<Answered, 'askedAt'>> {
  const { subject, target } = pair;
  const { resource } = target;
  const end = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = clock.after(longestQuestionMs, () => {
    end.abort();
    late.reject(new Error('no answer in time'));
  });
  try {
    const answer = await askNames(target, level, (name) =>
      Promise.race([ask({ subject, resource, name }, end.signal), late.promise]),
    );
    return answer.kind === 'allowed'
      ? { verdict: 'allowed', level: answer.level }
      : { verdict: 'denied', level: 0 };
  } catch {
    return { verdict: 'unanswered', level };
  } finally {
    timer.cancel();
  }
}
