import { expect, test, vi } from 'vitest';
import { exchange } from './exchange.ts';
import { startTimer } from './timers.ts';
import type { FetchLike } from './types.ts';

const request = { url: 'http://h/', headers: {} };
const rulesOf = (transport: FetchLike) => ({
  endpoint: 'http://h',
  transport,
  startTimer,
  timeoutMs: 1000,
});

test('a response that is refused before it was read whole is ended by the signal of its request', async () => {
  const signals: AbortSignal[] = [];
  const transport: FetchLike = (_, { signal }) => {
    signals.push(signal);
    return Promise.resolve(new Response('x'.repeat(64 * 1024 + 1)));
  };
  const error = await exchange(request, rulesOf(transport), new AbortController().signal);
  expect(error).toMatchObject({ code: 'invalid-response' });
  expect(signals.map(({ reason }) => reason as unknown)).toEqual([error]);
});

test('one try leaves no listener at the signal of its call', async () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const transport = () => Promise.reject(new Error('down'));
  await exchange(request, rulesOf(transport), signal);
  expect(added).toHaveBeenCalledOnce();
  expect(removed.mock.calls).toEqual(added.mock.calls);
});
