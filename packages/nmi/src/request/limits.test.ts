import { expect, it } from 'vitest';
import { createCallerLimits } from './limits.ts';

const limits = () =>
  createCallerLimits({ waitingPerPod: 2, waiting: 3, upstreamBurst: 2, upstreamPerSecond: 1 });

it('lets no pod wait with more callers than its share, and takes nothing from others', () => {
  const places = limits();
  const leave = places.enter('a');
  places.enter('a');
  expect(places.enter('a')).toBeUndefined();
  expect(places.enter('b')).toBeDefined();
  leave?.();
  expect(places.enter('a')).toBeDefined();
});

it('bounds the callers of all pods', () => {
  const places = limits();
  for (const pod of ['a', 'b', 'c']) places.enter(pod);
  expect(places.enter('d')).toBeUndefined();
  expect(places.waiting).toBe(3);
});

it('a place that is left twice is left once', () => {
  const places = limits();
  const leave = places.enter('a');
  places.enter('a');
  leave?.();
  leave?.();
  expect(places.waiting).toBe(1);
});

it('lets a pod cause a burst of upstream calls, then as many as time gives it', () => {
  const quota = limits();
  expect([quota.admitUpstream('a', 0), quota.admitUpstream('a', 0)]).toEqual([0, 0]);
  expect(quota.admitUpstream('a', 0)).toBe(1000);
  expect(quota.admitUpstream('b', 0)).toBe(0);
  expect(quota.admitUpstream('a', 1000)).toBe(0);
});

it('remembers a bounded number of pods', () => {
  const quota = limits();
  for (let index = 0; index < 3000; index += 1) quota.admitUpstream(`pod-${index}`, 0);
  quota.admitUpstream('pod-0', 0);
  expect(quota.admitUpstream('pod-0', 0)).toBe(0);
});
