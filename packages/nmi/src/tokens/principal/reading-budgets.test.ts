import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createReadingBudgets } from './reading-budgets.ts';

it('a namespace reads for 20 seconds at once, then for a twentieth of the time', async () => {
  const clock = createFakeClock(1_000);
  const budgets = createReadingBudgets(clock);
  expect(budgets.waitMs('a')).toBe(0);
  budgets.spend('a', 20_000);
  expect(budgets.waitMs('a')).toBe(0);
  budgets.spend('a', 5_000);
  expect([budgets.waitMs('a'), budgets.waitMs('b')]).toEqual([100_000, 0]);
  await clock.advance(40_000);
  expect(budgets.waitMs('a')).toBe(60_000);
  await clock.advance(60_000);
  expect(budgets.waitMs('a')).toBe(0);
});

it('what others spend takes nothing away and gives nothing back', async () => {
  const clock = createFakeClock();
  const budgets = createReadingBudgets(clock);
  budgets.spend('a', 25_000);
  await clock.advance(20_000);
  budgets.spend('b', 1_000);
  expect([budgets.waitMs('a'), budgets.waitMs('b')]).toEqual([80_000, 0]);
  // Long idle, no more than the whole budget is there.
  await clock.advance(10_000_000);
  budgets.spend('b', 1_000);
  budgets.spend('a', 21_000);
  expect(budgets.waitMs('a')).toBe(20_000);
});
