import { expect, test, vi } from 'vitest';
import { exchange } from './exchange.ts';
import { noLimit } from './places.ts';
import type { StartTimer } from './single-flight.ts';
import { startTimer } from './timers.ts';
import type { FetchLike } from './types.ts';

const question = { url: 'http://h/', headers: {}, limit: 1 };
const rulesOf = (transport: FetchLike) => ({
  endpoint: 'http://h',
  transport,
  enter: noLimit,
  startTimer,
  aboard: { isQueued: false, waiting: 1 },
  timeoutMs: 1000,
  unwantedMs: Infinity,
});

test('a response that is refused before it was read is ended by the signal of its request', async () => {
  const signals: AbortSignal[] = [];
  const text = vi.fn();
  const transport: FetchLike = (_, { signal }) => {
    signals.push(signal);
    return Promise.resolve({ status: 200, headers: new Headers({ 'content-length': '2' }), text });
  };
  const error = await exchange(question, rulesOf(transport), new AbortController().signal);
  expect(error).toMatchObject({ code: 'invalid-response' });
  expect(text).not.toHaveBeenCalled();
  expect(signals.map(({ reason }) => reason as unknown)).toEqual([error]);
});

test('one try leaves no listener at the signal of its call', async () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  const transport = () => Promise.reject(new Error('down'));
  await exchange(question, rulesOf(transport), signal);
  expect(added).toHaveBeenCalledOnce();
  expect(removed.mock.calls).toEqual(added.mock.calls);
});

test('a request that somebody waits for ends by its whole timeout, although one that nobody waits for ends earlier', async () => {
  const ends: (() => void)[] = [];
  const waits: number[] = [];
  const startManually: StartTimer = (ms, onEnd) => {
    waits.push(ms);
    ends.push(onEnd);
    return { hold: () => undefined, release: () => undefined, clear: () => undefined };
  };
  const silent: FetchLike = () => new Promise(() => undefined);
  const rules = { ...rulesOf(silent), startTimer: startManually, unwantedMs: 400 };
  const ending = exchange(question, rules, new AbortController().signal);
  ends[0]!();
  ends[1]!();
  expect(waits).toEqual([400, 600]);
  expect(await ending).toMatchObject({ code: 'timeout', reason: 'http://h did not answer within 1000 ms' });
});
