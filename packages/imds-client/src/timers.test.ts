import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTimer, systemClock } from './timers.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('the time that elapses does not follow the clock of the machine', () => {
  const before = performance.now();
  const elapsed = systemClock.elapsed?.();
  expect(elapsed).toBeGreaterThanOrEqual(before);
  expect(elapsed).toBeLessThanOrEqual(performance.now());
  expect(systemClock.now()).toBe(0);
});

describe('a timer', () => {
  test('keeps the program alive only while it is held', () => {
    vi.useRealTimers();
    const set = vi.spyOn(globalThis, 'setTimeout');
    const timer = startTimer(60_000, () => undefined);
    const id = set.mock.results[0]?.value as NodeJS.Timeout;
    const states = [id.hasRef()];
    timer.hold();
    states.push(id.hasRef());
    timer.release();
    states.push(id.hasRef());
    timer.clear();
    expect(states).toEqual([false, true, false]);
  });

  test('can be a number, as in browsers', () => {
    vi.stubGlobal('setTimeout', () => 5);
    const timer = startTimer(60_000, () => undefined);
    expect(() => {
      timer.hold();
      timer.release();
      timer.clear();
    }).not.toThrow();
  });
});

describe('a sleep', () => {
  test('ends after its time, and leaves no listener', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const sleeping = Promise.all([systemClock.sleep(2000), systemClock.sleep(2000, signal)]);
    await vi.advanceTimersByTimeAsync(1999);
    expect(vi.getTimerCount()).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(removed).toHaveBeenCalledOnce();
  });

  test('ends by its signal, with the reason, and leaves no timer', async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(2000, controller.signal);
    controller.abort('enough');
    await expect(sleeping).rejects.toBe('enough');
    await expect(systemClock.sleep(2000, controller.signal)).rejects.toBe('enough');
    expect(vi.getTimerCount()).toBe(0);
  });
});
