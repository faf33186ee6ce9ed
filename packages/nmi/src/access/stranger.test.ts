import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { createStrangerCheck } from './stranger.ts';

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const stage = () => {
  const clock = createFakeClock();
  const isRefused = vi.fn(() => Promise.resolve(true));
  const check = createStrangerCheck({ isRefused, clock });
  const stop = new AbortController();
  stops.push(stop);
  const running = check.run(stop.signal);
  return { clock, isRefused, check, stop, running };
};

it('asks nothing until somebody needs to know', async () => {
  const { clock, isRefused, check } = stage();
  await clock.advance(60_000);
  expect(isRefused).not.toHaveBeenCalled();
  expect(check.isPassed()).toBe(false);
  await check.looked;
  expect(check.isPassed()).toBe(true);
  expect(check.problem()).toBeUndefined();
});

it('names the mode of the API server when an invented user is allowed, until it is refused', async () => {
  const { clock, isRefused, check } = stage();
  isRefused.mockResolvedValue(false);
  expect(check.problem()).toContain('subjectaccessreviews');
  await clock.advance(0);
  expect(check.isPassed()).toBe(false);
  expect(check.problem()).toContain('--authorization-mode');
  isRefused.mockResolvedValue(true);
  await clock.advance(30_000);
  expect(check.problem()).toBeUndefined();
});

it('keeps what was found while nobody answers, and finds what changes later', async () => {
  const { clock, isRefused, check } = stage();
  check.isPassed();
  await clock.advance(0);
  isRefused.mockRejectedValue(new Error('503'));
  await clock.advance(299_999);
  expect(isRefused).toHaveBeenCalledTimes(1);
  await clock.advance(1);
  expect(check.isPassed()).toBe(true);
  isRefused.mockResolvedValue(false);
  await clock.advance(2_000);
  expect(check.isPassed()).toBe(false);
});

it('ends with the signal, and lets nobody wait', async () => {
  const { check, stop, running } = stage();
  stop.abort();
  await expect(running).resolves.toBeUndefined();
  await expect(check.looked).resolves.toBeUndefined();
});
