import { expect, test, vi } from 'vitest';
import { exchange } from './exchange.ts';
import { noLimit } from './places.ts';
import { startTimer } from './timers.ts';

test('one try leaves no listener at the signal of its call', async () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const transport = () => Promise.reject(new Error('down'));
  const question = { url: 'http://h/', headers: {}, limit: 1 };
  const aboard = { isQueued: false, waiting: 1 };
  const rules = { endpoint: 'http://h', transport, enter: noLimit, startTimer, aboard };
  await exchange(question, { ...rules, timeoutMs: 1000, unwantedMs: Infinity }, signal);
  expect(added).toHaveBeenCalledOnce();
  expect(removed.mock.calls).toEqual(added.mock.calls);
});
