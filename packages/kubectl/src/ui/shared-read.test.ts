import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createSharedRead } from './shared-read.ts';

test('one reading at a time for all, and none within five seconds of the last, also of one that failed', async () => {
  const clock = createFakeClock();
  const readings: PromiseWithResolvers<string>[] = [];
  const read = createSharedRead(clock, () => {
    const reading = Promise.withResolvers<string>();
    readings.push(reading);
    return reading.promise;
  });
  const both = [read(), read()];
  await clock.advance(20_000);
  both.push(read());
  expect(readings).toHaveLength(1);
  readings[0]?.resolve('first');
  expect(await Promise.all(both)).toEqual(['first', 'first', 'first']);
  await clock.advance(4_999);
  expect(await read()).toBe('first');
  await clock.advance(1);
  const failing = read();
  readings[1]?.reject(new Error('away'));
  await expect(failing).rejects.toThrow('away');
  await expect(read()).rejects.toThrow('away');
  expect(readings).toHaveLength(2);
  await clock.advance(5_000);
  const healed = read();
  readings[2]?.resolve('again');
  expect(await healed).toBe('again');
});
