import { expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import { awaitedBy, graceLeftMs } from './grace.ts';
import type { Decision } from './types.ts';

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

it('a pod whose start is not known is not young', () => {
  expect(graceLeftMs(pod(), at(1_000))).toBe(0);
});

it('what may come is waited for while the pod is young, and nothing else', () => {
  const denied = (mayCome?: boolean) => ({ kind: 'deny', mayCome }) as unknown as Decision;
  const allowed = { kind: 'allow', mayCome: true } as unknown as Decision;
  const missing = denied(true);
  expect(awaitedBy(missing, young, at(100_000))).toBe(missing);
  expect(awaitedBy(missing, young, at(160_000))).toBeUndefined();
  expect(awaitedBy(denied(false), young, at(100_000))).toBeUndefined();
  expect(awaitedBy(denied(), young, at(100_000))).toBeUndefined();
  expect(awaitedBy(allowed, young, at(100_000))).toBeUndefined();
});
