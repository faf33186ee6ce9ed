import { getEventListeners } from 'node:events';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createTurnQueues, runInTurn } from './turn-queues.ts';

const nobodyLeaves = new AbortController().signal;

const usual = {
  atATime: 2,
  perSecond: 100,
  patienceMs: 5_000,
  waiting: { total: 64, perNamespace: 32, perPod: 16 },
};

const stage = (over: Partial<typeof usual> = {}) => {
  const clock = createFakeClock();
  const { waiting, perSecond, ...rate } = { ...usual, ...over };
  const { reads } = createTurnQueues({
    clock,
    all: { ...rate, quota: { burst: perSecond, perSecond } },
    queues: { reads: { atATime: rate.atATime, waiting } },
  });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string, of: { namespace?: string; pod?: string; gone?: AbortSignal } = {}) => {
    const { namespace = 'default', pod = name, gone = nobodyLeaves } = of;
    return runInTurn(reads, { tenant: { namespace, pod }, gone }, () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    });
  };
  const end = async (...names: readonly string[]) => {
    for (const name of names) ends.get(name)?.();
    await clock.advance(0);
  };
  return { clock, reads, begun, ask, end };
};

it('limits questions in progress, and keeps their order', async () => {
  const { clock, begun, ask, end } = stage();
  const answers = ['a', 'b', 'c', 'd'].map((name) => ask(name, { namespace: name }));
  await clock.advance(0);
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('a', 'c');
  await end('d');
  await expect(Promise.all(answers)).resolves.toEqual(['a', 'b', 'c', 'd']);
});

it('namespaces take turns, and within a namespace its pods, even if one has many questions', async () => {
  const { begun, ask, end } = stage({ atATime: 1 });
  for (let index = 0; index < 8; index += 1)
    void ask(`h${index}`, { namespace: 'hostile', pod: `pod-${index % 2}` });
  void ask('shop', { namespace: 'shop' });
  void ask('other pod', { namespace: 'hostile', pod: 'pod-3' });
  for (let turn = 0; turn < 5; turn += 1) await end(...begun);
  expect(begun).toEqual(['h0', 'shop', 'h1', 'h2', 'other pod']);
});

it('gives up a question whose turn does not come in time', async () => {
  const { clock, begun, ask, end } = stage({ atATime: 1, patienceMs: 1_000 });
  const [first, second] = [ask('a'), ask('b')];
  await clock.advance(1_000);
  await expect(second).resolves.toBeUndefined();
  await end('a');
  await expect(first).resolves.toBe('a');
  expect([begun, clock.pending]).toEqual([['a'], 0]);
});

it('a question for which nobody waits any more loses its place at once and is not put', async () => {
  const { clock, begun, ask, end } = stage({
    atATime: 1,
    waiting: { total: 64, perNamespace: 32, perPod: 1 },
  });
  const caller = new AbortController();
  const first = ask('a');
  const left = ask('b', { pod: 'pod', gone: caller.signal });
  await clock.advance(0);
  caller.abort();
  await expect(left).resolves.toBeUndefined();
  const next = ask('c', { pod: 'pod' });
  await expect(ask('gone before', { gone: caller.signal })).resolves.toBeUndefined();
  await end('a');
  await end('c');
  await expect(Promise.all([first, next])).resolves.toEqual(['a', 'c']);
  expect([begun, clock.pending]).toEqual([['a', 'c'], 0]);
});

it('refuses a pod at once that has all its places, but not other pods', async () => {
  const { ask, begun, end } = stage({ atATime: 1, waiting: { total: 64, perNamespace: 32, perPod: 1 } });
  const all = [ask('a', { pod: 'pod' }), ask('b', { pod: 'pod' })];
  await expect(ask('c', { pod: 'pod' })).resolves.toBeUndefined();
  const other = ask('d', { pod: 'other' });
  for (let turn = 0; turn < 3; turn += 1) await end(...begun);
  await expect(Promise.all([...all, other])).resolves.toEqual(['a', 'b', 'd']);
});

it('frees the place of a question that fails', async () => {
  const { reads } = stage({ atATime: 1 });
  const questioner = { tenant: { namespace: 'default', pod: 'web' }, gone: nobodyLeaves };
  await expect(runInTurn(reads, questioner, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(runInTurn(reads, questioner, () => Promise.resolve(1))).resolves.toBe(1);
});

it('removes its listeners from the callers of a question that was answered', async () => {
  const { ask, end, clock } = stage();
  const { signal: gone } = new AbortController();
  const answer = ask('a', { gone });
  await clock.advance(0);
  await end('a');
  await expect(answer).resolves.toBe('a');
  expect(getEventListeners(gone, 'abort')).toEqual([]);
});
