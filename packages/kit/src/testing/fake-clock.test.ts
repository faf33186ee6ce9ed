import { describe, expect, test } from 'vitest';
import { createFakeClock } from './fake-clock.ts';

describe('fake clock', () => {
  test('runs due timers in order, including those that they set', async () => {
    const clock = createFakeClock(1000);
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.now()}`);
    clock.after(30, note('c'));
    clock.after(10, () => {
      note('a')();
      clock.after(5, note('b'));
    });
    clock.after(30, note('d'));
    clock.after(100, note('later'));
    await clock.advance(50);
    expect(seen).toEqual(['a@1010', 'b@1015', 'c@1030', 'd@1030']);
    expect([clock.now(), clock.pending]).toEqual([1050, 1]);
  });

  test('lets promises settle between timers', async () => {
    const clock = createFakeClock();
    const seen: number[] = [];
    void (async () => {
      for (;;) {
        await clock.sleep(10);
        await Promise.resolve().then(() => undefined);
        seen.push(clock.now());
      }
    })();
    await clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
  });

  test('a sleep ends with the reason of its signal, a cancelled timer never runs', async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    clock.after(10, () => expect.unreachable()).cancel();
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(clock.sleep(10, controller.signal)).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
    await clock.advance(20);
  });
});
