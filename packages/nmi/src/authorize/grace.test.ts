import { expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import { graceLeftMs } from './grace.ts';

const at = (now: number) => ({ bindingGraceMs: 60_000, now });
const young = pod({ acceptedAt: 100_000 });

it.each([
  ['as it starts', 100_000, 60_000],
  ['a second later', 101_000, 59_000],
  ['at its last millisecond', 159_999, 1],
  ['when the grace is over', 160_000, 0],
  ['by a clock that was set back a little', 99_000, 60_000],
  ['by a clock that was set back by the grace', 40_000, 0],
])('a pod is young for the rest of the grace: %s', (_, now, left) => {
  expect(graceLeftMs(young, at(now))).toBe(left);
});

it('a pod whose start is not known is not young, nor is any where the grace is turned off', () => {
  expect(graceLeftMs(pod(), at(1_000))).toBe(0);
  expect(graceLeftMs(young, { bindingGraceMs: 0, now: 100_000 })).toBe(0);
});
