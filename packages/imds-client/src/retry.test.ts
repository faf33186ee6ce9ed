import { expect, test } from 'vitest';
import { ImdsError, type ImdsErrorCode, type ImdsErrorDetails } from './errors.ts';
import { retryDelayMs } from './retry.ts';

const leftMs = 1_000_000;

function delays(code: ImdsErrorCode, details: ImdsErrorDetails = {}, chance = 0): unknown[] {
  const error = new ImdsError(code, 'x', details);
  return [0, 1, 2, 3, 4].map((retries) => retryDelayMs({ error, retries, maxRetries: 4, chance, leftMs }));
}

test('waits are those that IMDS documents: tries at 0, 2, 6, 14 and 30 seconds', () => {
  expect(delays('unavailable', { status: 404 })).toEqual([2000, 4000, 8000, 16_000, undefined]);
  expect(delays('throttled', { status: 429 })).toEqual([2000, 4000, 8000, 16_000, undefined]);
  expect(delays('timeout')).toEqual([2000, 4000, 8000, 16_000, undefined]);
});

test('after 410 retries go on for the 70 seconds that an update may take', () => {
  const waits = delays('unavailable', { status: 410 });
  expect(waits).toEqual([5000, 10_000, 20_000, 40_000, undefined]);
  expect(waits.reduce<number>((sum, wait) => sum + Number(wait ?? 0), 0)).toBeGreaterThanOrEqual(70_000);
});

test.each<ImdsErrorCode>([
  'bad-request',
  'identity-not-found',
  'ambiguous-identity',
  'denied',
  'aborted',
  'invalid-response',
])('%s is not tried again', (code) => {
  expect(delays(code)).toEqual(Array<undefined>(5).fill(undefined));
});

test('the wait is the Retry-After of the endpoint, but not shorter than the first documented one', () => {
  expect(delays('unavailable', { status: 503, retryAfterMs: 3000 })).toEqual([
    3000,
    3000,
    3000,
    3000,
    undefined,
  ]);
  expect(delays('unavailable', { status: 410, retryAfterMs: 13_000 })[3]).toBe(13_000);
  expect(delays('throttled', { status: 429, retryAfterMs: 0 })).toEqual([2000, 2000, 2000, 2000, undefined]);
});

test('a Retry-After of more than a minute is left to the caller', () => {
  expect(delays('throttled', { status: 429, retryAfterMs: 61_000 })[0]).toBeUndefined();
});

test('waits double up to a minute', () => {
  const error = new ImdsError('unavailable', 'x');
  expect(retryDelayMs({ error, retries: 10, maxRetries: 20, chance: 0, leftMs })).toBe(60_000);
});

test('up to a fifth is added at random', () => {
  expect(delays('unavailable', {}, 0.5)[0]).toBe(2200);
  expect(delays('unavailable', { retryAfterMs: 3000 }, 0.5)[0]).toBeCloseTo(3300);
});

test('a wait that may last until the deadline is not begun, whatever the chance', () => {
  for (const chance of [0, 0.5, 0.99]) {
    const failed = { error: new ImdsError('unavailable', 'x'), retries: 0, maxRetries: 4, chance };
    expect(retryDelayMs({ ...failed, leftMs: 2100 })).toBe('late');
    expect(retryDelayMs({ ...failed, leftMs: 2400 })).toBe('late');
    expect(retryDelayMs({ ...failed, leftMs: 2401 })).toBeCloseTo(2000 * (1 + chance / 5));
    expect(retryDelayMs({ ...failed, leftMs: 1, retries: 4 })).toBeUndefined();
  }
});
