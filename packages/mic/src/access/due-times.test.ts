import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueTimes } from './due-times.ts';

test('nothing is taken before it is due, all of it at most a second later, and each once', () => {
  const item = fc.record({ dueAt: fc.nat(20_000) });
  fc.assert(
    fc.property(fc.array(item), fc.array(fc.nat(3_000)), (items, steps) => {
      const times = new DueTimes<{ readonly dueAt: number }>();
      for (const one of items) times.add(one);
      const left = new Set(items);
      let now = 0;
      for (const step of [...steps, 30_000]) {
        now += step;
        const taken = times.take(now);
        expect(taken.every((one) => left.delete(one) && one.dueAt <= now)).toBe(true);
        expect([...left].every(({ dueAt }) => dueAt > now - 1_000)).toBe(true);
        if (left.size > 0)
          expect(times.nextAt).toBeGreaterThanOrEqual(Math.min(...[...left].map(({ dueAt }) => dueAt)));
      }
      expect([left.size, times.nextAt]).toEqual([0, undefined]);
    }),
  );
});

test('what is removed is not taken, and what is added again is due at its new time', () => {
  const times = new DueTimes<{ dueAt: number }>();
  const [gone, moved, unknown] = [{ dueAt: 1_000 }, { dueAt: 1_000 }, { dueAt: 1_000 }];
  times.add(gone);
  times.add(moved);
  times.remove(gone);
  times.remove(unknown);
  moved.dueAt = 5_000;
  times.add(moved);
  expect([times.take(4_999), times.nextAt, times.take(5_000), times.nextAt]).toEqual([
    [],
    5_000,
    [moved],
    undefined,
  ]);
});

test('what has been due for ever is taken first', () => {
  const times = new DueTimes<{ readonly dueAt: number }>();
  const [first, second] = [{ dueAt: -Infinity }, { dueAt: 2_000 }];
  times.add(second);
  times.add(first);
  expect([times.nextAt, times.take(2_000)]).toEqual([0, [first, second]]);
});
