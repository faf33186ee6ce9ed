import { describe, expect, test } from 'vitest';
import { createBackoff } from './backoff.ts';

describe('backoff', () => {
  test('doubles up to the cap, and starts again after a reset', () => {
    const backoff = createBackoff({ baseMs: 100, capMs: 1000, jitter: 0, random: () => 0 });
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([
      100, 200, 400, 800, 1000,
    ]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  test.each([
    [0, 1000],
    [0.5, 800],
    [1, 600],
  ])('chance %d shortens a delay by no more than the jitter', (chance, expected) => {
    const backoff = createBackoff({ baseMs: 1000, capMs: 1000, jitter: 0.4, random: () => chance });
    expect(backoff.next()).toBe(expected);
  });
});
