import { describe, expect, test } from 'vitest';
import { createTokenBucket } from './token-bucket.ts';

describe('token bucket', () => {
  test('allows its capacity at once, then one for each refill', () => {
    const bucket = createTokenBucket({ capacity: 2, refillPerMs: 0.01, now: 0 });
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 100]);
    expect(bucket.take(60)).toBe(40);
    expect(bucket.take(100)).toBe(0);
    expect(bucket.available(10_000)).toBe(2);
  });

  test('takes several at once, or tells when there are enough', () => {
    const bucket = createTokenBucket({ capacity: 5, refillPerMs: 0.01, now: 0 });
    expect([bucket.take(0, 4), bucket.take(0, 3), bucket.take(200, 3)]).toEqual([0, 200, 0]);
  });

  test('a clock that steps back has no effect', () => {
    const bucket = createTokenBucket({ capacity: 1, refillPerMs: 0.001, now: 5000 });
    expect(bucket.take(5000)).toBe(0);
    expect(bucket.take(1000)).toBe(1000);
    expect(bucket.take(2000)).toBe(0);
  });

  test('never returns a wait below a millisecond', () => {
    const bucket = createTokenBucket({ capacity: 1, refillPerMs: 10, now: 0 });
    bucket.take(0);
    expect(bucket.take(0)).toBe(1);
  });
});
