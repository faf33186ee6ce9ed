import { expect, test } from 'vitest';
import type { Strikes } from './strikes.ts';
import { isClean, isRemembered, nextAttemptAt, withBlame } from './strikes.ts';

const blame = { namespace: 'evil', refusals: 1, wasAccepted: false };
const minuteMs = 60_000;

test('a namespace may have four attempts refused at once, then one in two minutes', () => {
  let strikes: Strikes = new Map();
  for (let count = 0; count < 4; count += 1) {
    expect(nextAttemptAt(strikes, 'evil', 0)).toBe(0);
    strikes = withBlame(strikes, blame, 0);
  }
  expect(nextAttemptAt(strikes, 'evil', 0)).toBe(2 * minuteMs);
  expect(nextAttemptAt(strikes, 'shop', 0)).toBe(0);
  expect([isClean(strikes, 'evil'), isClean(strikes, 'shop')]).toEqual([false, true]);
});

test('what was accepted stays distrusted once it was refused', () => {
  const once = withBlame(new Map(), { ...blame, wasAccepted: true }, 0);
  expect(withBlame(once, blame, 1).get('evil')).toMatchObject({ failedAt: 1, distrusted: true });
});

test('a strike is forgotten after a day, the oldest first when there are many', () => {
  let strikes: Strikes = new Map();
  for (let count = 0; count < 150; count += 1)
    strikes = withBlame(strikes, { ...blame, namespace: `n${count}` }, count);
  expect([strikes.size, strikes.has('n0'), strikes.has('n149')]).toEqual([100, false, true]);
  const [last] = [...strikes.values()].slice(-1);
  expect(last && isRemembered(last, 24 * 60 * minuteMs)).toBe(true);
  expect(last && isRemembered(last, 25 * 60 * minuteMs)).toBe(false);
});
