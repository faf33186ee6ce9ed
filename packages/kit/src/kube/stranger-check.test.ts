import { afterEach, expect, it, vi } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { KubeError } from './errors.ts';
import { createStrangerCheck, reviewStranger, type StrangerResult } from './stranger-check.ts';

const right = { verb: 'use', group: 'azure.example', resource: 'managedidentities' };
const noAnswer = new KubeError('unavailable', 'etcd has no leader');
const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const stage = () => {
  const clock = createFakeClock();
  const review = vi.fn(() => Promise.resolve(false));
  const onResult = vi.fn<(result: StrangerResult) => number | undefined>(() => 60_000);
  const check = createStrangerCheck({ reviewer: { review }, right, onResult, clock });
  const stop = new AbortController();
  stops.push(stop);
  const running = check.run(stop.signal);
  return { clock, review, check, onResult, stop, running };
};

it('asks nothing until somebody needs to know', async () => {
  const { clock, review, check } = stage();
  await clock.advance(3_600_000);
  expect(review).not.toHaveBeenCalled();
  expect(check.isRefused()).toBeUndefined();
  await check.looked;
  expect(check.isRefused()).toBe(true);
  expect(review).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(right), expect.any(AbortSignal));
});

it('asks again after the time that each result gives', async () => {
  const { clock, review, check, onResult } = stage();
  review.mockResolvedValueOnce(true).mockRejectedValueOnce(noAnswer);
  onResult.mockReturnValueOnce(1_000).mockReturnValueOnce(5_000);
  check.isRefused();
  await clock.advance(999);
  expect(review).toHaveBeenCalledTimes(1);
  await clock.advance(1);
  expect(review).toHaveBeenCalledTimes(2);
  await clock.advance(4_999);
  expect(review).toHaveBeenCalledTimes(2);
  await clock.advance(1);
  expect(onResult.mock.calls).toEqual([[{ isRefused: false }], [{ error: noAnswer }], [{ isRefused: true }]]);
});

it('keeps the last answer while there is no other, and finds what changes later', async () => {
  const { clock, review, check } = stage();
  review.mockResolvedValueOnce(false).mockRejectedValueOnce(noAnswer).mockResolvedValueOnce(true);
  check.isRefused();
  await clock.advance(60_000);
  expect([review.mock.calls.length, check.isRefused()]).toEqual([2, true]);
  await clock.advance(60_000);
  expect(check.isRefused()).toBe(false);
});

it('is over when a result gives no time', async () => {
  const { clock, check, onResult, running, review } = stage();
  onResult.mockReturnValueOnce(undefined);
  check.isRefused();
  await running;
  await clock.advance(3_600_000);
  expect([review.mock.calls.length, check.isRefused(), clock.pending]).toEqual([1, true, 0]);
});

it('lets somebody who waits for the first answer go on when there is none', async () => {
  const { review, check } = stage();
  review.mockRejectedValue(noAnswer);
  check.isRefused();
  await check.looked;
  expect(check.isRefused()).toBeUndefined();
});

it('ends with the signal before anybody needs to know, and lets nobody wait', async () => {
  const { check, stop, running, review } = stage();
  stop.abort();
  await running;
  await check.looked;
  expect(review).not.toHaveBeenCalled();
});

it('ends with the signal between two questions', async () => {
  const { clock, check, stop, running, review } = stage();
  check.isRefused();
  await clock.advance(1_000);
  stop.abort();
  await running;
  expect([review.mock.calls.length, clock.pending]).toEqual([1, 0]);
});

it.each([
  [true, false],
  [false, true],
])('a stranger whom the server allows (%s) is refused: %s', async (isAllowed, isRefused) => {
  const reviewer = { review: vi.fn(() => Promise.resolve(isAllowed)) };
  expect(await reviewStranger(reviewer, right)).toEqual({ isRefused });
});

it('a stranger is in no group, so that rights of all users do not count', async () => {
  const review = vi.fn(() => Promise.resolve(false));
  await reviewStranger({ review }, right);
  const subject = expect.objectContaining({ groups: [] }) as unknown;
  expect(review).toHaveBeenCalledWith(expect.objectContaining({ ...right, subject }), undefined);
});

it('one review that fails is a result', async () => {
  const result = await reviewStranger({ review: () => Promise.reject(noAnswer) }, right);
  expect(result).toEqual({ error: noAnswer });
});
