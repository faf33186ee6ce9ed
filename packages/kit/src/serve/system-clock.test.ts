import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../testing/fake-clock.ts';
import { createClock, systemClock } from './system-clock.ts';

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

  // Node's real timers: most of these fire early without a second timer.
  test('a timer and a sleep never end before their time', async () => {
    const early = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const dueAt = systemClock.elapsed() + 5 + at / 10;
        const ms = dueAt - systemClock.elapsed();
        if (at % 2 === 0) await systemClock.sleep(ms);
        else await new Promise<void>((resolve) => void systemClock.after(ms, resolve));
        return Math.min(0, systemClock.elapsed() - dueAt);
      }),
    );
    expect(early.filter((ms) => ms < -1e-6)).toEqual([]);
  });

  // The fake clock keeps the contract of Clock itself, so that early timers belong below it, here.
  test('over timers that fire early at random, each fires once, at its time, and can be cancelled after an early one', async () => {
    const time = createFakeClock();
    let seed = 7;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const clock = createClock({
      ...time,
      setTimer: (ms, run) => time.after(ms > 0.01 ? ms * random() : ms, run),
    });
    const fired: number[] = [];
    for (let ms = 1; ms <= 50; ms += 1) clock.after(ms, () => fired.push(time.elapsed() - ms));
    clock.after(50, () => fired.push(NaN)).cancel();
    const late = clock.after(60, () => fired.push(NaN));
    await time.advance(59);
    late.cancel();
    await time.advance(10);
    expect(fired).toHaveLength(50);
    expect(fired.every((late) => Math.abs(late) < 1e-6)).toBe(true);
    expect(time.pending).toBe(0);
  });
});
