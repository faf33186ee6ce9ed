import type { ResourceId } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { assigned, facts, hostOf, instanceOf } from '../plan/test/builders.ts';
import type { Unfinished } from './apply-assignments.ts';
import { Backlog, type BacklogMoment } from './backlog.ts';

const host = facts(hostOf(instanceOf('vmss1')));
const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, position) => `shop/pod-${from + position}`);
const waitingFor = (pod: string, key = pod, until = 100): Unfinished => ({
  step: { kind: 'delete', current: assigned({ podName: pod.slice('shop/'.length) }), why: 'pod-gone' },
  key,
  held: { since: 5, retryAt: 0 },
  until,
});

test('pods beyond the size of one pass come in the next ones, each pod once', () => {
  const backlog = new Backlog(4);
  const at = { now: 0, facts: host };
  expect(backlog.take(names(0, 6), at).pods).toEqual(names(0, 4));
  backlog.settle({ unfinished: [] });
  expect(backlog.hasMore).toBe(true);
  expect(backlog.take(names(5, 7), at).pods).toEqual(names(4, 7));
  expect(backlog.isEmpty).toBe(true);
});

test('waiting pods are not planned until their time, however often the host is planned', () => {
  const backlog = new Backlog(10);
  expect(backlog.wakeAt).toBeUndefined();
  backlog.take(['shop/a'], { now: 0, facts: host });
  backlog.settle({ unfinished: [waitingFor('shop/a')] });
  expect([backlog.hasMore, backlog.wakeAt, backlog.isEmpty]).toEqual([false, 100, false]);
  expect(backlog.take(['shop/b'], { now: 99, facts: host }).pods).toEqual(['shop/b']);
  backlog.settle({ unfinished: [] });
  expect(backlog.wakeAt).toBe(100);
  expect(backlog.take([], { now: 100, facts: host })).toEqual({
    pods: ['shop/a'],
    held: new Map([['shop/a', { since: 5, retryAt: 0 }]]),
  });
});

test('only the waiting pods whose time has come are planned', () => {
  const backlog = new Backlog(10);
  const take = (now: number) => backlog.take([], { now, facts: host }).pods;
  take(0);
  const late = waitingFor('shop/late', 'shop/late', 300);
  backlog.settle({ unfinished: [waitingFor('shop/a'), late, waitingFor('shop/b', 'shop/b', 200)] });
  expect([take(100), backlog.wakeAt]).toEqual([['shop/a'], 200]);
  expect([take(200), backlog.wakeAt]).toEqual([['shop/b'], 300]);
  expect([take(300), backlog.wakeAt, backlog.isEmpty]).toEqual([['shop/late'], undefined, true]);
});

test('waiting pods are planned when the host or they themselves have changed', () => {
  const backlog = new Backlog(10);
  backlog.take([], { now: 0, facts: host });
  backlog.settle({
    unfinished: [waitingFor('shop/a'), waitingFor('shop/a', 'second'), waitingFor('shop/b')],
  });
  const own = backlog.take(['shop/a'], { now: 1, facts: host });
  expect([own.pods, [...own.held.keys()]]).toEqual([['shop/a'], ['shop/a', 'second']]);
  expect(backlog.take([], { now: 1, facts: { ...host } }).pods).toEqual(['shop/b']);
  expect(backlog.isEmpty).toBe(true);
});

test('pods whose objects wait are planned when the host has changed, a portion at a time and in turns', () => {
  const backlog = new Backlog(4);
  const waiting = names(0, 6);
  const take = (at: Partial<BacklogMoment>, dirty: string[] = []) => {
    const { pods } = backlog.take(dirty, { now: 0, facts: host, ...at });
    backlog.settle(
      { unfinished: [] },
      pods.filter((one) => waiting.includes(one)),
    );
    return pods;
  };
  expect(take({}, waiting)).toEqual(names(0, 4));
  expect(take({}, ['pay/web'])).toEqual(['shop/pod-4', 'pay/web', 'shop/pod-5']);
  expect(take({})).toEqual([]);
  const leaving = new Set<ResourceId>();
  expect(take({ leaving })).toEqual(names(0, 4));
  expect([take({ leaving }), take({ leaving })]).toEqual([names(4, 6), []]);
  expect(take({ leaving, facts: { ...host } })).toEqual(names(0, 4));
});

test('a backlog with as many waiting pods as unplanned ones is not empty', () => {
  const backlog = new Backlog(1);
  backlog.settle({ unfinished: [waitingFor('shop/a'), waitingFor('shop/b')] });
  backlog.take(['shop/c', 'shop/d', 'shop/e'], { now: 0, facts: host });
  expect(backlog.isEmpty).toBe(false);
});

test('many waiting pods cause no work between their times', () => {
  const backlog = new Backlog(500);
  const all = names(0, 10_000);
  let now = 0;
  let passes = 0;
  const pass = (dirty: string[] = []) => {
    passes += 1;
    const { pods } = backlog.take(dirty, { now, facts: host });
    backlog.settle({ unfinished: pods.map((pod) => waitingFor(pod, pod, now + 2_000)) });
  };
  pass(all);
  while (backlog.hasMore) pass();
  expect(passes).toBe(20);
  now = 1_999;
  expect(backlog.take([], { now, facts: host }).pods).toEqual([]);
});

test('a namespace with many pods, each with many identities, also leaves room for others in the next pass', () => {
  const backlog = new Backlog(500);
  const evil = Array.from({ length: 250 }, (_, index) => `evil/p${index}`);
  const at = { now: 0, facts: undefined, weigh: (pod: string) => (pod.startsWith('evil/') ? 100 : 1) };
  expect(backlog.take(evil, at).pods).toHaveLength(5);
  const { pods } = backlog.take(['shop/web', 'bank/pay'], at);
  expect(pods).toEqual(expect.arrayContaining(['shop/web', 'bank/pay']));
  expect(pods.length).toBeLessThanOrEqual(8);
  expect(backlog.hasMore).toBe(true);
});

test('pods of a crashed pass come again, half as many at a time', () => {
  const backlog = new Backlog(8);
  const passes: string[] = [];
  let dirty: readonly string[] = names(0, 8);
  for (let pass = 0; pass < 20 && (dirty.length > 0 || backlog.hasMore); pass += 1) {
    const { pods } = backlog.take(dirty, { now: 0, facts: host });
    dirty = [];
    passes.push(pods.map((pod) => pod.slice('shop/pod-'.length)).join(''));
    if (pods.includes('shop/pod-5')) backlog.restore(pods, 0);
    else backlog.settle({ unfinished: [] });
  }
  expect(passes).toEqual(['01234567', '0123', '4567', '45', '6', '745', '7', '45', '4', '5']);
});

test('pods that have crashed alone are planned without others, and not often', () => {
  const backlog = new Backlog(8);
  const take = (dirty: readonly string[], now: number) => backlog.take(dirty, { now, facts: host }).pods;
  for (const pod of ['shop/a', 'shop/b', 'shop/c']) backlog.restore(take([pod], 0), 0);
  expect([backlog.hasMore, backlog.isEmpty, backlog.wakeAt]).toEqual([false, false, 300_000]);
  expect([take([], 299_999), take(['shop/d'], 300_000)]).toEqual([[], ['shop/d']]);
  backlog.settle({ unfinished: [] });
  expect([take(['shop/c'], 300_000), take([], 300_000)]).toEqual([['shop/c'], ['shop/a']]);
  backlog.settle({ unfinished: [] });
  expect(backlog.wakeAt).toBe(300_000);
  backlog.restore(take([], 300_001), 300_001);
  expect([take([], 600_000), take([], 600_001)]).toEqual([[], ['shop/b']]);
  expect([backlog.isEmpty, backlog.wakeAt]).toEqual([true, undefined]);
});

test('a pod that has crashed alone is not planned with others when the host has changed', () => {
  const backlog = new Backlog(8);
  backlog.settle({ unfinished: [] }, backlog.take(['shop/a', 'shop/b'], { now: 0, facts: host }).pods);
  backlog.restore(backlog.take(['shop/a'], { now: 0, facts: host }).pods, 0);
  const other = { ...host };
  expect(backlog.take([], { now: 1, facts: other }).pods).toEqual(['shop/b']);
  expect(backlog.take([], { now: 300_000, facts: other }).pods).toEqual(['shop/a']);
});

test('a pod whose pass has crashed is planned again without its held steps', () => {
  const backlog = new Backlog(8);
  backlog.take([], { now: 0, facts: host });
  backlog.settle({ unfinished: [waitingFor('shop/a', 'shop/a', 10), waitingFor('shop/b', 'shop/b', 10)] });
  const { pods, held } = backlog.take([], { now: 10, facts: host });
  expect([pods, held.size]).toEqual([['shop/a', 'shop/b'], 2]);
  backlog.restore(pods, 10);
  expect([backlog.hasMore, backlog.take([], { now: 10, facts: host })]).toEqual([
    true,
    { pods: ['shop/a'], held: new Map() },
  ]);
});
