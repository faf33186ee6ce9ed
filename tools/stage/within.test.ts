import { expect, test, vi } from 'vitest';
import { within } from './within.ts';

test('a wait that ends in time returns the result, and leaves no timer', async () => {
  vi.useFakeTimers();
  await expect(within(1_000, 'an answer', Promise.resolve(7))).resolves.toBe(7);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('the error of a wait that does not end has what it waited for and the latest state', async () => {
  vi.useFakeTimers();
  let seen = 0;
  const waiting = within(2_000, () => `3 pods; there are ${seen}`, new Promise(() => undefined));
  seen = 2;
  const failed = expect(waiting).rejects.toThrow('waited 2 s without success for 3 pods; there are 2');
  await vi.advanceTimersByTimeAsync(2_000);
  await failed;
  vi.useRealTimers();
});
