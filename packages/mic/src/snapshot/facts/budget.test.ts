import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hardlySpentAt, spend, waitFor, type Budget } from './budget.ts';

const budget: Budget = { burst: 4, everyMs: 1_000 };

test('gives a burst, then one in each interval', () => {
  let spentUntil = 0;
  for (let count = 0; count < 4; count += 1) {
    expect(waitFor(budget, { spentUntil, now: 500 })).toBe(0);
    spentUntil = spend(budget, { spentUntil, now: 500 });
  }
  expect(waitFor(budget, { spentUntil, now: 500 })).toBe(1_000);
  expect(waitFor(budget, { spentUntil, now: 1_400 })).toBe(100);
  expect(waitFor(budget, { spentUntil, now: 1_500 })).toBe(0);
});

test('keeps some for others', () => {
  const half = spend(budget, { spentUntil: spend(budget, { spentUntil: 0, now: 0 }), now: 0 });
  expect(waitFor(budget, { spentUntil: half, now: 0 }, 1)).toBe(0);
  expect(waitFor(budget, { spentUntil: half, now: 0 }, 2)).toBe(1_000);
});

test('no history gives more than the burst and what came back since', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_000), { maxLength: 50 }), fc.nat(100_000), (pauses, start) => {
      let [now, spentUntil, taken] = [start, 0, 0];
      for (const pause of pauses) {
        now += pause;
        if (waitFor(budget, { spentUntil, now }) > 0) continue;
        spentUntil = spend(budget, { spentUntil, now });
        taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(budget.burst + (now - start) / budget.everyMs);
    }),
  );
});

test('a record from a clock that was ahead holds no longer than an empty budget', () => {
  expect(waitFor(budget, { spentUntil: 10 ** 15, now: 0 })).toBe(1_000);
});

test('is hardly spent once half of the burst is there again', () => {
  expect(hardlySpentAt({ burst: 8, everyMs: 20_000 }, 1_000_000)).toBe(1_000_000 - 80_000);
});
