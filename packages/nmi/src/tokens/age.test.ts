import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ageOf } from './age.ts';

const minute = 60_000;
const hour = 60 * minute;

it.each([
  ['a day: half of it', 24 * hour, 12 * hour],
  ['two hours: all but five minutes', 2 * hour, 115 * minute],
  ['an hour: all but five minutes', hour, 55 * minute],
  ['six minutes: half of it', 6 * minute, 3 * minute],
])('%s, a little earlier', (_, lifeMs, dueMs) => {
  const at = (chance: number) => ageOf({ now: 0, expiresOn: lifeMs }, chance).refreshAt;
  expect(at(0)).toBe(dueMs * 0.98);
  expect(at(1)).toBeCloseTo(dueMs * 0.9);
});

it('a token is always due before it is old, and old before it expires', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e12 }),
      fc.integer({ min: 1000, max: 48 * hour }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (now, lifeMs, chance) => {
        const { refreshAt, freshUntil } = ageOf({ now, expiresOn: now + lifeMs }, chance);
        expect(refreshAt).toBeGreaterThanOrEqual(now);
        expect(refreshAt).toBeLessThan(freshUntil);
        expect(freshUntil).toBeLessThan(now + lifeMs);
      },
    ),
  );
});

it('one that has expired already is never fresh', () => {
  expect(ageOf({ now: 10, expiresOn: 5 }, 0.5)).toEqual({ refreshAt: 10, freshUntil: 10 });
});
