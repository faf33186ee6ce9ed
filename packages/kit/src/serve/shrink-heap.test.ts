import { expect, it } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { keepHeapSmall, ownHeap, type Heap } from './shrink-heap.ts';

const MiB = 1024 * 1024;

/** A heap that has `used` bytes after it was shrunk. */
function setUp() {
  const clock = createFakeClock();
  const ending = new AbortController();
  const state = { size: 30 * MiB, used: 20 * MiB, busy: 0, shrunk: 0 };
  const shrink = () => {
    state.shrunk += 1;
    state.size = state.used;
  };
  const heap: Heap = { size: () => state.size, busy: () => state.busy, shrink };
  const done = keepHeapSmall(clock, heap, ending.signal);
  return { clock, state, done, end: () => ending.abort() };
}

it('shrinks once after the start', async () => {
  const { clock, state } = setUp();
  await clock.advance(9_999);
  expect(state.shrunk).toBe(0);
  await clock.advance(1);
  expect(state.shrunk).toBe(1);
  await clock.advance(3_600_000);
  expect(state.shrunk).toBe(1);
});

it('shrinks again within half a minute of a growth by 3 MiB', async () => {
  const { clock, state } = setUp();
  await clock.advance(10_000);
  state.size += 3 * MiB - 1;
  await clock.advance(30_000);
  expect(state.shrunk).toBe(1);
  state.size += 1;
  await clock.advance(30_000);
  expect(state.shrunk).toBe(2);
});

it('waits while the program is busy: shrinking stops it', async () => {
  const { clock, state } = setUp();
  state.busy = 0.3;
  await clock.advance(600_000);
  expect(state.shrunk).toBe(0);
  state.busy = 0.1;
  await clock.advance(30_000);
  expect(state.shrunk).toBe(1);
});

it('leaves a large heap alone: shrinking it takes too long', async () => {
  const { clock, state } = setUp();
  state.size = 200 * MiB;
  await clock.advance(600_000);
  expect(state.shrunk).toBe(0);
});

it('ends with the signal, and leaves no timer', async () => {
  const { clock, state, done, end } = setUp();
  end();
  await done;
  expect([state.shrunk, clock.pending]).toEqual([0, 0]);
});

it('the own heap has a size and a share of the time, and loses what nobody holds when it shrinks', async () => {
  const heap = ownHeap();
  expect(heap.size()).toBeGreaterThan(MiB);
  const garbage = new WeakRef(Array.from({ length: 1_000 }, (_, index) => ({ index })));
  // A WeakRef holds its target until the end of the turn.
  await new Promise(setImmediate);
  heap.shrink();
  expect(garbage.deref()).toBeUndefined();
  expect(heap.busy()).toBeGreaterThanOrEqual(0);
  expect(heap.busy()).toBeLessThanOrEqual(1);
});
