import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { startLoop } from './loop.ts';
import { hostOf, instanceOf, node, now, pod } from '../plan/test/builders.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';

const host = hostOf(instanceOf('vmss1'));

function setUp(sweepMs = 0) {
  const clock = createFakeClock(now);
  const ending = new AbortController();
  const index = new ClusterIndex({ forceNamespaced: false });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  const poked: string[] = [];
  const listeners = new Set<() => void>();
  let yields = 0;
  let sweeps = 0;
  let busyMs = 0;
  /** Each sweep takes `sweepMs`. */
  const slow = {
    ...clock,
    elapsed: () => clock.elapsed() + busyMs,
  };
  const dirtyHosts = index.dirtyHosts.bind(index);
  index.dirtyHosts = () => {
    sweeps += 1;
    busyMs += sweepMs;
    return dirtyHosts();
  };
  startLoop({
    index,
    clock: slow,
    signal: ending.signal,
    resyncMs: 3_600_000,
    random: () => 0.5,
    changes: [
      {
        onChange: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    ],
    objects: { poke: (lane) => void poked.push(lane), depth: 0, size: 0, settled: () => Promise.resolve() },
    conditions: { concern: () => undefined },
    yieldTurn: () => {
      yields += 1;
      return Promise.resolve();
    },
  });
  const change = (name: string) => {
    index.apply({ kind: 'pod', key: `shop/${name}`, view: pod({ name }) });
    listeners.forEach((listener) => listener());
  };
  return {
    clock,
    index,
    poked,
    listeners,
    change,
    end: () => ending.abort(),
    sweeps: () => sweeps,
    yields: () => yields,
  };
}

test('simultaneous changes are collected, and poke the hosts that they concern', async () => {
  const { clock, poked, change, index, yields } = setUp();
  index.takeDirty(host.id);
  index.takeDirty(undefined);
  poked.length = 0;
  for (let count = 0; count < 100; count += 1) change(`pod-${count}`);
  await clock.advance(0);
  expect(poked).toEqual([host.id]);
  expect(yields()).toBe(1);
});

test('every resync period everything is planned again', async () => {
  const { clock, poked, index } = setUp();
  index.takeDirty(host.id);
  poked.length = 0;
  await clock.advance(3_600_000);
  expect(poked).toContain(host.id);
});

test('C46 after the term no subscription and no timer is left', async () => {
  const { clock, poked, listeners, change, end } = setUp();
  change('pod');
  end();
  poked.length = 0;
  await clock.advance(10_000_000);
  expect(poked).toEqual([]);
  expect([listeners.size, clock.pending]).toEqual([0, 0]);
});

test('after a long sweep other work has as much time before the next one', async () => {
  const { clock, change, sweeps } = setUp(100);
  await clock.advance(1_000);
  const before = sweeps();
  change('one');
  await clock.advance(0);
  change('two');
  await clock.advance(99);
  expect(sweeps() - before).toBe(1);
  await clock.advance(1);
  expect(sweeps() - before).toBe(2);
});
