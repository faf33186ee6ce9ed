import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { createCallerLimits } from './caller-limits.ts';

const limits = () =>
  createCallerLimits({
    waiting: { total: 6, perNamespace: 4, perPod: 2 },
    upstreamBurst: 2,
    upstreamPerSecond: 1,
  });
const caller = () => {
  const gone = new AbortController();
  return { gone: gone.signal, hangUp: () => gone.abort() };
};
const of = (namespace: string, pod: string) => ({ namespace, pod });

it('limits the waiting requests of a pod, without affecting other pods', () => {
  const places = limits();
  const place = places.enter(of('one', 'a'), caller());
  places.enter(of('one', 'a'), caller());
  expect(places.enter(of('one', 'a'), caller())).toBeUndefined();
  expect(places.enter(of('one', 'b'), caller())).toBeDefined();
  place?.leave();
  expect(places.enter(of('one', 'a'), caller())).toBeDefined();
});

it('four hostile pods do not take all places: a namespace has its share, and who has less gets a place of who has most', () => {
  const places = limits();
  const hostile = ['a', 'b', 'c', 'd'].flatMap((pod) =>
    [1, 2].map(() => places.enter(of('hostile', pod), caller())),
  );
  expect(places.waiting).toBe(4);
  const taken = hostile.filter((place) => place !== undefined && !place.isLost);
  for (const pod of ['x', 'y']) places.enter(of('other', pod), caller());
  expect(places.waiting).toBe(6);
  const victim = places.enter(of('victim', 'v'), caller());
  expect(victim?.ended.aborted).toBe(false);
  const lost = taken.filter((place) => place?.isLost);
  expect(lost).toHaveLength(1);
  expect(lost[0]?.ended.aborted).toBe(true);
  expect(places.waiting).toBe(6);
});

it('a caller that hangs up has no place from that moment on', () => {
  const places = limits();
  const one = caller();
  const place = places.enter(of('one', 'a'), one);
  one.hangUp();
  expect([places.waiting, place?.ended.aborted, place?.isLost]).toEqual([0, true, false]);
  place?.leave();
  expect(places.waiting).toBe(0);
});

it('leaving a place twice frees only one place', () => {
  const places = limits();
  const place = places.enter(of('one', 'a'), caller());
  places.enter(of('one', 'a'), caller());
  place?.leave();
  place?.leave();
  expect(places.waiting).toBe(1);
});

it('allows a pod a burst of upstream requests, then the refill rate', () => {
  const quota = limits();
  expect([quota.admitUpstream('a', 1, 0), quota.admitUpstream('a', 1, 0)]).toEqual([0, 0]);
  expect(quota.admitUpstream('a', 1, 0)).toBe(1000);
  expect(quota.admitUpstream('b', 1, 0)).toBe(0);
  expect(quota.admitUpstream('a', 1, 1000)).toBe(0);
});

it('charges several requests at once, or none of them', () => {
  const quota = limits();
  quota.admitUpstream('a', 1, 0);
  expect(quota.admitUpstream('a', 2, 0)).toBe(1000);
  expect(quota.admitUpstream('a', 1, 0)).toBe(0);
  expect(quota.admitUpstream('a', 2, 2000)).toBe(0);
});

it('requests that cost more than the burst are allowed when the bucket is full', () => {
  expect(limits().admitUpstream('a', 4, 0)).toBe(0);
});

it('keeps the buckets of 2,048 pods', () => {
  const quota = limits();
  for (let index = 0; index < 2048; index += 1) quota.admitUpstream(`pod-${index}`, 2, 0);
  expect(quota.admitUpstream('pod-0', 1, 0)).toBe(1000);
  quota.admitUpstream('one more', 1, 0);
  expect([quota.admitUpstream('pod-0', 1, 0), quota.admitUpstream('pod-1', 1, 0)]).toEqual([1000, 0]);
});

it('attack: a pod that goes on requesting has no new burst, however many pods come after it', () => {
  const quota = limits();
  quota.admitUpstream('hostile', 2, 0);
  for (let index = 0; index < 5000; index += 1) {
    quota.admitUpstream(`pod-${index}`, 1, 0);
    if (index % 1000 === 0) expect(quota.admitUpstream('hostile', 1, 0)).toBe(1000);
  }
  expect(quota.admitUpstream('hostile', 1, 0)).toBe(1000);
});

it('returns the time until a request is allowed, by the refill rate', () => {
  const waiting = { total: 6, perNamespace: 4, perPod: 2 };
  const quota = createCallerLimits({ waiting, upstreamBurst: 2, upstreamPerSecond: 4 });
  quota.admitUpstream('a', 2, 0);
  expect(quota.admitUpstream('a', 1, 0)).toBe(250);
  expect(quota.admitUpstream('a', 1, 100)).toBe(150);
  expect(quota.admitUpstream('a', 1, 250)).toBe(0);
  expect(quota.admitUpstream('a', 1, 250)).toBe(250);
});

it('a caller that has left already does not wait', () => {
  const one = caller();
  one.hangUp();
  expect(limits().enter(of('one', 'a'), one)?.ended.aborted).toBe(true);
});

it('removes its listeners from the connection of a caller that left its place, or got none', () => {
  const places = limits();
  const connection = caller();
  const first = places.enter(of('one', 'a'), connection);
  const second = places.enter(of('one', 'a'), connection);
  expect(places.enter(of('one', 'a'), connection)).toBeUndefined();
  expect(getEventListeners(connection.gone, 'abort')).toHaveLength(2);
  first?.leave();
  second?.leave();
  expect(getEventListeners(connection.gone, 'abort')).toEqual([]);
});

it('at shutdown all current and later waits end; places that were left are not affected', () => {
  const places = limits();
  const waiting = places.enter(of('one', 'a'), caller());
  const left = places.enter(of('one', 'b'), caller());
  left?.leave();
  expect(waiting?.ended.aborted).toBe(false);
  places.endAll();
  const late = places.enter(of('other', 'x'), caller());
  expect([waiting, late].map((place) => [place?.ended.aborted, place?.isLost])).toEqual([
    [true, false],
    [true, false],
  ]);
  expect(left?.ended.aborted).toBe(false);
});
