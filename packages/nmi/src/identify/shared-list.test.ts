import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createSharedList } from './shared-list.ts';

const stays = new AbortController().signal;
const stage = (ageMs = 1_000) => {
  const clock = createFakeClock();
  const state = { lists: 0, fails: false };
  const list = createSharedList(clock, ageMs, () => {
    state.lists += 1;
    return state.fails ? Promise.reject(new Error('a bug')) : Promise.resolve(state.lists);
  });
  const exhaust = async () => {
    for (let n = 1; n <= 8; n += 1) expect(await list(stays)).toBe(n);
  };
  return { clock, list, state, exhaust };
};

it('after eight lists at once there is one a second, which serves all who wait', async () => {
  const { clock, list, state, exhaust } = stage();
  await exhaust();
  const waiting = Promise.all([list(stays), list(stays)]);
  await clock.advance(999);
  expect(state.lists).toBe(8);
  await clock.advance(1);
  await expect(waiting).resolves.toEqual([9, 9]);
});

it('is made as often as confirmations end, if they are valid for less than a second', async () => {
  const { clock, list, exhaust } = stage(200);
  await exhaust();
  const waiting = list(stays);
  await clock.advance(200);
  await expect(waiting).resolves.toBe(9);
});

it('is not made for callers who have left', async () => {
  const { clock, list, state, exhaust } = stage();
  await exhaust();
  const caller = new AbortController();
  const waiting = list(caller.signal);
  caller.abort();
  await expect(waiting).resolves.toBeUndefined();
  await expect(list(caller.signal)).resolves.toBeUndefined();
  await clock.advance(5_000);
  expect([state.lists, clock.pending]).toEqual([8, 0]);
});

it('that fails, fails for its callers; the next is made', async () => {
  const { list, state } = stage();
  state.fails = true;
  await expect(list(stays)).rejects.toThrow('a bug');
  state.fails = false;
  await expect(list(stays)).resolves.toBe(2);
});
