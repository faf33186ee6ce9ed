import { expect, test } from 'vitest';
import { retryDelayMs } from '../retry.ts';
import { ImdsError } from '../errors.ts';
import { impatient, patient } from './patience.ts';

test('one request may take all of the time', () => {
  expect(patient(60_000)).toEqual({ requestTimeoutMs: 60_000, deadlineMs: 60_000 });
});

test('without a metadata service there are two requests at most, within 15 seconds with the probe', () => {
  const { requestTimeoutMs, deadlineMs, maxRetries = 4 } = impatient(60_000);
  expect(maxRetries).toBe(1);
  const [error, leftMs] = [new ImdsError('timeout', 'x'), deadlineMs - requestTimeoutMs];
  const wait = retryDelayMs({ error, retries: 0, maxRetries, chance: 0.999, leftMs });
  expect(wait).toBeTypeOf('number');
  expect(Number(wait) + 2 * requestTimeoutMs).toBeLessThan(deadlineMs);
  expect(1000 + deadlineMs).toBeLessThan(15_000);
  expect(impatient(2000)).toMatchObject({ requestTimeoutMs: 2000, deadlineMs: 2000 });
});
