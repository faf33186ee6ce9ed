import { expect, test, vi } from 'vitest';
import { exchange } from './exchange.ts';
import { startTimer } from './timers.ts';

test('one try leaves no listener at the signal of its call', async () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const transport = () => Promise.reject(new Error('down'));
  const question = { url: 'http://h/', headers: {}, limit: 1 };
  await exchange(question, { endpoint: 'http://h', transport, startTimer, timeoutMs: 1000 }, signal);
  expect(added).toHaveBeenCalledOnce();
  expect(removed.mock.calls).toEqual(added.mock.calls);
});
