import { expect, test } from 'vitest';
import { createTimeSlices } from './time-slices.ts';

function setUp() {
  const time = { now: 0 };
  const order: string[] = [];
  const slices = createTimeSlices({
    now: () => time.now,
    sliceMs: 8,
    yieldTurn: () => {
      order.push('yield');
      return Promise.resolve();
    },
  });
  const piece = (name: string, ms: number) =>
    slices.run(() => {
      order.push(name);
      time.now += ms;
      return name;
    });
  return { order, piece, slices };
}

test('work continues until the slice is used up; then everything else runs', async () => {
  const { order, piece } = setUp();
  const done = await Promise.all([piece('a', 3), piece('b', 3), piece('c', 3), piece('d', 1)]);
  expect(done).toEqual(['a', 'b', 'c', 'd']);
  expect(order).toEqual(['yield', 'a', 'b', 'c', 'yield', 'd']);
});

test('a failing piece does not affect others', async () => {
  const { order, piece, slices } = setUp();
  const failing = slices.run(() => {
    throw new Error('bug');
  });
  await expect(failing).rejects.toThrow('bug');
  await piece('next', 1);
  expect(order).toContain('next');
});
