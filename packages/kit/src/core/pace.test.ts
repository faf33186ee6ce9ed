import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPace } from './pace.ts';

it('lets five seconds’ worth through at once, then as much as time gives', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  const first = Array.from({ length: 10 }, () => pace.take(0));
  expect(first).toEqual([...Array.from({ length: 9 }, () => 'go'), 'wait']);
  expect(pace.waitMs(0)).toBe(500);
  expect(pace.waitMs(500)).toBe(0);
  expect(pace.take(500)).toBe('wait');
});

it('answers what was read together, refuses what goes far beyond', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  const all = Array.from({ length: 20 }, () => pace.take(0));
  expect(all.slice(9)).toEqual(['wait', 'wait', 'wait', ...Array.from({ length: 8 }, () => 'refuse')]);
});

it('what was read beyond has to be paid for, but not for ever', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  for (let index = 0; index < 10_000; index += 1) pace.take(0);
  expect(pace.waitMs(0)).toBe(10_500);
});

it('0 is no limit', () => {
  const pace = createPace({ perSecond: 0, now: 0 });
  expect(Array.from({ length: 1_000 }, () => pace.take(0)).every((each) => each === 'go')).toBe(true);
  expect([pace.waitMs(0), pace.available(0)]).toEqual([0, Infinity]);
});

it('nobody waits who has requests left', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  expect([pace.waitMs(0), pace.available(0)]).toEqual([0, 10]);
});

it('over any time, however it is used, no more is read than the rate and the burst allow', () => {
  const step = fc.record({ afterMs: fc.nat(3_000), requests: fc.nat(30) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step), (perSecond, steps) => {
      const pace = createPace({ perSecond, now: 0 });
      let now = 0;
      let taken = 0;
      for (const { afterMs, requests } of steps) {
        now += afterMs;
        // A caller that obeys: it is read only when the pace says so.
        for (let index = 0; index < requests && pace.waitMs(now) === 0; index += 1) {
          pace.take(now);
          taken += 1;
        }
        expect(taken).toBeLessThanOrEqual(perSecond * 5 + (now * perSecond) / 1_000 + 0.001);
      }
    }),
  );
});

it('a clock that steps back neither gives nor takes', () => {
  const pace = createPace({ perSecond: 1, now: 10_000 });
  for (let index = 0; index < 5; index += 1) pace.take(10_000);
  expect(pace.waitMs(0)).toBe(1_000);
});
