import type { Clock } from '@pod-identity/kit/core';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { pacedChanges } from './paced-changes.ts';

/** Changes, and a clock on which deciding again takes time. */
const stage = () => {
  const even = createFakeClock();
  let worked = 0;
  const clock: Clock = { ...even, elapsed: () => even.elapsed() + worked };
  const sources = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    sources.add(listener);
    return () => sources.delete(listener);
  };
  const changes = pacedChanges({ subscribe }, clock);
  const rounds: number[] = [];
  const waitFor = (costMs: number) =>
    changes.subscribe(() => {
      worked += costMs;
      rounds.push(even.now());
    });
  const change = () => {
    for (const source of [...sources]) source();
  };
  return {
    advance: (ms: number) => even.advance(ms),
    sources,
    waitFor,
    change,
    rounds,
    timers: () => even.pending,
  };
};

it('passes a change on at once, and the next one too if the listeners take no time', () => {
  const { waitFor, change, rounds } = stage();
  waitFor(0);
  change();
  change();
  expect(rounds).toEqual([0, 0]);
});

it('however many changes come, waiting callers take a fifth of the time; the last change is never lost', async () => {
  const { waitFor, change, rounds, advance, timers } = stage();
  waitFor(60);
  waitFor(40);
  for (let count = 0; count < 1_000; count += 1) change();
  expect(rounds).toEqual([0, 0]);
  await advance(399);
  expect(rounds).toHaveLength(2);
  await advance(1);
  expect(rounds).toEqual([0, 0, 400, 400]);
  await advance(10_000);
  expect([rounds.length, timers()]).toEqual([4, 0]);
  change();
  expect(rounds).toHaveLength(6);
});

it('unsubscribes and leaves no timer when the last listener is gone', async () => {
  const { waitFor, change, rounds, advance, sources, timers } = stage();
  const stops = [waitFor(50), waitFor(50)];
  change();
  change();
  expect([sources.size, timers()]).toEqual([1, 1]);
  for (const stop of stops) stop();
  expect([sources.size, timers()]).toEqual([0, 0]);
  await advance(10_000);
  expect(rounds).toHaveLength(2);
  waitFor(0);
  change();
  expect(rounds).toHaveLength(3);
});

it('the pause depends on the duration of a round, not on its time', async () => {
  const { waitFor, change, rounds, advance } = stage();
  waitFor(100);
  await advance(5_000);
  change();
  change();
  await advance(400);
  expect(rounds).toEqual([5_000, 5_400]);
});

it('when one listener unsubscribes, changes still reach the others; unsubscribing twice has no further effect', () => {
  const { waitFor, change, rounds, sources } = stage();
  const first = waitFor(0);
  const second = waitFor(0);
  first();
  change();
  expect(rounds).toHaveLength(1);
  second();
  second();
  change();
  expect([rounds.length, sources.size]).toEqual([1, 0]);
});
