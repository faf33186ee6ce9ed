import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { createTurnQueues, runInTurn, type Rate } from './turn-queues.ts';

const waiting = { total: 64, perNamespace: 32, perPod: 8 };

/** Two queues; `enter` notes who began in `begun`, and `leave` gives back the place of whoever began first. */
const stage = (over: Partial<Rate> = {}) => {
  const fake = createFakeClock();
  let aheadMs = 0;
  const clock = { ...fake, elapsed: () => fake.elapsed() + aheadMs };
  const { atATime = 5, quota } = over;
  const all = { atATime, patienceMs: 10_000, ...(quota && { quota }) };
  const queues = createTurnQueues({
    clock,
    all,
    queues: { first: { atATime, waiting }, second: { atATime, waiting } },
  });
  const begun: string[] = [];
  const leaves: (() => void)[] = [];
  const enter = (namespace: string, queue: keyof typeof queues = 'first') =>
    queues[queue].enter(
      { namespace, pod: 'web' },
      {
        begin: (leave) => {
          begun.push(`${namespace} ${queue}`);
          leaves.push(leave);
        },
        giveUp: () => undefined,
      },
    );
  const skip = (ms: number) => void (aheadMs += ms);
  return { fake, begun, enter, skip, leave: () => leaves.shift()?.() };
};

it('the queues in which a namespace has questions waiting take turns', () => {
  const { begun, enter, leave } = stage({ atATime: 1 });
  enter('holds');
  for (const queue of ['first', 'first', 'first', 'second', 'second'] as const) enter('waits', queue);
  for (let turn = 0; turn < 5; turn += 1) leave();
  expect(begun.slice(1)).toEqual([
    ...['waits first', 'waits second', 'waits first', 'waits second', 'waits first'],
  ]);
});

it('gives a namespace half of the places at most, in whatever order they are freed', () => {
  const { begun, enter, leave } = stage({ atATime: 5 });
  for (let index = 0; index < 8; index += 1) enter('many');
  expect(begun).toHaveLength(3);
  for (let left = 1; left <= 5; left += 1) {
    leave();
    expect(begun).toHaveLength(3 + left);
  }
});

it('whatever four namespaces ask and hold, they leave one of 16 places to a fifth one at once', () => {
  const steps = fc.array(
    fc.record({
      namespace: fc.constantFrom('a', 'b', 'c', 'd'),
      count: fc.integer({ min: 1, max: 20 }),
      leaves: fc.nat(5),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const { begun, enter, leave } = stage({ atATime: 16 });
      for (const { namespace, count, leaves } of all) {
        for (let n = 0; n < count; n += 1) enter(namespace);
        for (let n = 0; n < leaves; n += 1) leave();
      }
      enter('victim');
      expect(begun.at(-1)).toBe('victim first');
    }),
  );
});

it('a question that waits for a place of its namespace does not use the quota', () => {
  const { begun, enter } = stage({ atATime: 2, quota: { burst: 2, perSecond: 1 } });
  enter('many');
  enter('many');
  enter('other');
  expect(begun).toEqual(['many first', 'other first']);
});

it('begins all questions that the quota allows when the timer was late', async () => {
  const { fake, begun, enter, skip } = stage({ quota: { burst: 3, perSecond: 1 } });
  for (const namespace of ['a', 'b', 'c']) enter(namespace);
  for (const namespace of ['d', 'e']) enter(namespace);
  expect(begun).toHaveLength(3);
  skip(5_000);
  const timers = fake.pending;
  await fake.advance(1_000);
  expect(begun).toHaveLength(5);
  // Their patience and the next turn.
  expect([timers, fake.pending]).toEqual([3, 0]);
});

it('returns at once when the caller leaves, and does not ask the question', async () => {
  const clock = createFakeClock();
  const all = { atATime: 1, patienceMs: 10_000 };
  const { only } = createTurnQueues({ clock, all, queues: { only: { atATime: 1, waiting } } });
  const holder = Promise.withResolvers<string>();
  const first = runInTurn(
    only,
    { tenant: { namespace: 'a', pod: 'web' }, gone: new AbortController().signal },
    () => holder.promise,
  );
  const caller = new AbortController();
  const ask = vi.fn(() => Promise.resolve('asked'));
  const second = runInTurn(only, { tenant: { namespace: 'b', pod: 'web' }, gone: caller.signal }, ask);
  caller.abort();
  await expect(second).resolves.toBeUndefined();
  expect(only.waiting).toBe(0);
  holder.resolve('done');
  await expect(first).resolves.toBe('done');
  expect(ask).not.toHaveBeenCalled();
});
