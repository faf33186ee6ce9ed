import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBuckets, createBudgets, createTenantBudgets } from './budgets.ts';

it('says whether there is enough, and takes nothing', () => {
  const budgets = createBudgets({ burst: 2, perSecond: 1 });
  expect([
    budgets.has('a', 0, 2),
    budgets.has('a', 0, 3),
    budgets.take('a', 0, 2),
    budgets.has('a', 0),
  ]).toEqual([true, false, true, false]);
});

it('allows a burst, and refills with time', () => {
  const budgets = createBudgets({ burst: 2, perSecond: 1 });
  expect([1, 2, 3].map(() => budgets.take('a', 0))).toEqual([true, true, false]);
  expect(budgets.take('a', 1_000)).toBe(true);
});

it('takes several tokens at once, or none', () => {
  const budgets = createBudgets({ burst: 10, perSecond: 1 });
  expect([6, 6, 4].map((tokens) => budgets.take('a', 0, tokens))).toEqual([true, false, true]);
  expect(budgets.take('a', 5_000, 6)).toBe(false);
  expect(budgets.take('a', 6_000, 6)).toBe(true);
});

it('a quiet namespace has its burst, whatever other namespaces use up', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 300 }), (hostile) => {
      const budgets = createBudgets({ burst: 3, perSecond: 1 });
      for (const [now, namespace] of hostile.entries()) budgets.take(`hostile-${namespace}`, now);
      expect([1, 2, 3, 4].map(() => budgets.take('victim', 1_000))).toEqual([true, true, true, false]);
    }),
  );
});

it('remembers a bounded number of namespaces', () => {
  const budgets = createBudgets({ burst: 1, perSecond: 1 });
  for (let namespace = 0; namespace <= 1_024; namespace += 1) budgets.take(`${namespace}`, 0);
  expect([budgets.take('1024', 0), budgets.take('0', 0)]).toEqual([false, true]);
});

const budget = { burst: 3, perSecond: 1 };
const kept = 4;

/** Uses of 12 owners at times that only grow. */
const usesOf = fc
  .array(fc.record({ owner: fc.nat(11), afterMs: fc.nat(800) }), { minLength: 1, maxLength: 200 })
  .map((uses) => {
    let now = 0;
    return uses.map(({ owner, afterMs }) => ({ owner: `${owner}`, now: (now += afterMs) }));
  });

it('attack: an owner that is never unused for long has no new burst, whatever other owners come', () => {
  fc.assert(
    fc.property(usesOf, (uses) => {
      const bucketOf = createBuckets({ ...budget, kept });
      let taken = 0;
      for (const { owner, now } of uses) {
        bucketOf(owner, now).take(now);
        if (bucketOf('hostile', now).take(now) === 0) taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(budget.burst + ((uses.at(-1)?.now ?? 0) / 1000) * budget.perSecond);
    }),
  );
});

it('attack: of `kept` owners none is forgotten', () => {
  fc.assert(
    fc.property(usesOf, fc.constantFrom('evict' as const, 'share' as const), (uses, beyond) => {
      const bucketOf = createBuckets({ ...budget, kept, beyond });
      const taken = new Map<string, number>();
      for (const { owner, now } of uses) {
        const one = `${Number(owner) % kept}`;
        if (bucketOf(one, now).take(now) === 0) taken.set(one, (taken.get(one) ?? 0) + 1);
      }
      const most = budget.burst + ((uses.at(-1)?.now ?? 0) / 1000) * budget.perSecond;
      for (const of of taken.values()) expect(of).toBeLessThanOrEqual(most);
    }),
  );
});

it('attack: where further owners share a bucket, any number of them takes what `kept` and one may, and each what two may', () => {
  fc.assert(
    fc.property(usesOf, (uses) => {
      const bucketOf = createBuckets({ ...budget, kept, beyond: 'share' });
      const taken = new Map<string, number>();
      for (const { owner, now } of uses)
        if (bucketOf(owner, now).take(now) === 0) taken.set(owner, (taken.get(owner) ?? 0) + 1);
      const most = budget.burst + ((uses.at(-1)?.now ?? 0) / 1000) * budget.perSecond;
      for (const of of taken.values()) expect(of).toBeLessThanOrEqual(2 * most);
      expect([...taken.values()].reduce((sum, of) => sum + of, 0)).toBeLessThanOrEqual((kept + 1) * most);
    }),
  );
});

it('where further owners share a bucket, one gets its own when a kept one is full', () => {
  const bucketOf = createBuckets({ ...budget, kept: 1, beyond: 'share' });
  expect(['a', 'b', 'c', 'a'].map((owner) => bucketOf(owner, 0).take(0, 2))).toEqual([0, 0, 1_000, 1_000]);
  expect(bucketOf('c', 1_000).take(1_000, 3)).toBe(1_000);
  expect(bucketOf('c', 2_000).take(2_000, 3)).toBe(0);
  expect(bucketOf('a', 2_000).take(2_000, 3)).toBe(0);
  expect(bucketOf('b', 2_000).take(2_000, 1)).toBe(1_000);
});

it('a budget of a pod and its namespace takes from both, or nothing', () => {
  const budgets = createTenantBudgets({ namespace: budget, pod: { burst: 2, perSecond: 1 } });
  const take = (pod: string, tokens?: number) => budgets.take({ namespace: 'one', pod }, 0, tokens);
  expect([take('a', 2), take('a'), take('b', 2), take('b')]).toEqual([true, false, false, true]);
});
