import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { now } from '../plan/test/builders.ts';
import { createSweeper, settleStale } from './sweeper.ts';

/** Each stale pod takes 3 ms to settle. */
function setUp(stale: number) {
  const clock = createFakeClock(now);
  let left = stale;
  let busyMs = 0;
  let yields = 0;
  const slices: number[] = [];
  let sinceSlice = 0;
  const sweeper = createSweeper({
    index: {
      get hasStale() {
        return left > 0;
      },
      settleWhile(mayGoOn) {
        while (left > 0 && mayGoOn()) {
          left -= 1;
          busyMs += 3;
          sinceSlice += 1;
        }
        return undefined as never;
      },
    },
    clock: { ...clock, elapsed: () => clock.elapsed() + busyMs },
    yieldTurn: () => {
      yields += 1;
      return Promise.resolve();
    },
    onSlice: () => {
      slices.push(sinceSlice);
      sinceSlice = 0;
    },
  });
  return { clock, sweeper, slices, left: () => left, yields: () => yields };
}

test('many stale pods are settled in slices, and between two of them others have the thread for as long', async () => {
  const { clock, sweeper, slices, left } = setUp(10);
  sweeper.sweepSoon();
  await clock.advance(0);
  expect([slices, left()]).toEqual([[3], 7]);
  await clock.advance(8);
  expect(slices).toEqual([3]);
  await clock.advance(1);
  expect(slices).toEqual([3, 3]);
  await clock.advance(9);
  await clock.advance(9);
  expect([slices, left(), clock.pending]).toEqual([[3, 3, 3, 1], 0, 0]);
});

test('a sweep for which others have waited is the one that was due', async () => {
  const { clock, sweeper, slices, yields } = setUp(3);
  sweeper.sweep();
  sweeper.sweepSoon();
  sweeper.sweepSoon();
  sweeper.sweep();
  await clock.advance(1_000);
  expect([slices, yields(), clock.pending]).toEqual([[3, 0], 0, 0]);
});

test('after its end nothing is settled, and no timer is left', async () => {
  const { clock, sweeper, slices, yields } = setUp(10);
  sweeper.sweep();
  expect(clock.pending).toBe(1);
  sweeper.stop();
  expect(clock.pending).toBe(0);
  sweeper.sweepSoon();
  sweeper.sweep();
  await clock.advance(1_000);
  expect([slices, yields()]).toEqual([[3], 0]);
});

test('the pods that are stale when a term begins are all settled, and others have the thread in between', async () => {
  const clock = createFakeClock(now);
  let busyMs = 0;
  let settled = 0;
  const yielded: number[] = [];
  const ended = new AbortController();
  const settle = (stale: number) => {
    settled = 0;
    const index = {
      *settleEach() {
        for (; settled < stale; settled += 1) {
          busyMs += 3;
          yield;
        }
      },
    };
    const yieldTurn = () => {
      yielded.push(settled);
      return Promise.resolve();
    };
    return settleStale(
      { index, clock: { ...clock, elapsed: () => clock.elapsed() + busyMs }, yieldTurn },
      ended.signal,
    );
  };
  await settle(10);
  expect([settled, yielded]).toEqual([10, [2, 5, 8]]);
  ended.abort();
  await settle(10);
  expect(settled).toBe(0);
});
