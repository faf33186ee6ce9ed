import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBudgets } from './budgets.ts';

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
