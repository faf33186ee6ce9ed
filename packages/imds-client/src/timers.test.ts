import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from './timers.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('the time that elapses does not follow the clock of the machine', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  const before = performance.now();
  const elapsed = systemClock.elapsed?.();
  expect(elapsed).toBeGreaterThanOrEqual(before);
  expect(elapsed).toBeLessThanOrEqual(performance.now());
  expect(systemClock.now()).toBe(0);
});
