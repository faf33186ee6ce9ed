import { describe, expect, test } from 'vitest';
import { systemClock } from './system-clock.ts';

describe('system clock', () => {
  test('sleep rejects with the reason of the signal, before or during', async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(systemClock.sleep(60_000, controller.signal)).rejects.toThrow('enough');
  });

  test('elapsed time does not depend on the clock of the machine', () => {
    const real = Date.now;
    const before = systemClock.elapsed();
    Date.now = () => 0;
    try {
      expect(systemClock.now()).toBe(0);
      expect(systemClock.elapsed()).toBeGreaterThanOrEqual(before);
    } finally {
      Date.now = real;
    }
  });

  test('a time beyond the maximum of timers does not fire at once', async () => {
    const fired = new Promise<string>((resolve) => {
      const timer = systemClock.after(1e12, () => resolve('far'));
      systemClock.after(1, () => {
        timer.cancel();
        resolve('near');
      });
    });
    expect(await fired).toBe('near');
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  });
});
