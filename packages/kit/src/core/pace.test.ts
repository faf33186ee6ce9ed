import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPace } from './pace.ts';

it('allows the requests of five seconds at once, then the average rate', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  const first = Array.from({ length: 10 }, () => pace.take(0));
  expect(first).toEqual([...Array.from({ length: 9 }, () => 'go'), 'wait']);
  expect(pace.waitMs(0)).toBe(500);
  expect(pace.waitMs(500)).toBe(0);
  expect(pace.take(500)).toBe('wait');
});

it('serves requests that were read together, refuses those far beyond the limit', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  const all = Array.from({ length: 20 }, () => pace.take(0));
  expect(all.slice(9)).toEqual(['wait', 'wait', 'wait', ...Array.from({ length: 8 }, () => 'refuse')]);
});

it('requests beyond the limit lengthen the wait, up to a maximum', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  for (let index = 0; index < 10_000; index += 1) pace.take(0);
  expect(pace.waitMs(0)).toBe(10_500);
});

it('0 means no limit', () => {
  const pace = createPace({ perSecond: 0, now: 0 });
  expect(Array.from({ length: 1_000 }, () => pace.take(0)).every((each) => each === 'go')).toBe(true);
  expect([pace.waitMs(0), pace.available(0)]).toEqual([0, Infinity]);
});

it('a caller with requests left does not wait', () => {
  const pace = createPace({ perSecond: 2, now: 0 });
  expect([pace.waitMs(0), pace.available(0)]).toEqual([0, 10]);
});

it('over any time and pattern, no more is read than the rate and the burst allow', () => {
  const step = fc.record({ afterMs: fc.nat(3_000), requests: fc.nat(30) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step), (perSecond, steps) => {
      const pace = createPace({ perSecond, now: 0 });
      let now = 0;
      let taken = 0;
      for (const { afterMs, requests } of steps) {
        now += afterMs;
        // Read only when the pace allows it.
        for (let index = 0; index < requests && pace.waitMs(now) === 0; index += 1) {
          pace.take(now);
          taken += 1;
        }
        expect(taken).toBeLessThanOrEqual(perSecond * 5 + (now * perSecond) / 1_000 + 0.001);
      }
    }),
  );
});

it('a clock that steps back has no effect', () => {
  const pace = createPace({ perSecond: 1, now: 10_000 });
  for (let index = 0; index < 5; index += 1) pace.take(10_000);
  expect(pace.waitMs(0)).toBe(1_000);
});
