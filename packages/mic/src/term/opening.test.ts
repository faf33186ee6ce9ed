import type { LeaderTerm } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createHostMemory } from '../apply/memory.ts';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { binding, hostOf, identity, idOf, instanceOf, node, now, pod } from '../plan/test/builders.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { openTerm, type OpeningOptions } from './opening.ts';

const reader = idOf('reader');
const host = hostOf(instanceOf('vmss1')).id;

/** Bindings come after pods, as in a process that starts: all pods are stale. */
function createStaleIndex(): ClusterIndex {
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  for (const name of ['a', 'b', 'c']) index.apply({ kind: 'pod', key: `shop/${name}`, view: pod({ name }) });
  index.apply({ kind: 'identity', key: 'shop/reader', view: identity({ namespace: 'shop' }) });
  const view = binding({ namespace: 'shop' });
  index.apply({ kind: 'binding', key: view.key, view });
  return index;
}

function open(index: ClusterIndex, more: Partial<OpeningOptions> = {}): Promise<boolean> {
  const term: LeaderTerm = { signal: new AbortController().signal, holds: () => true };
  return openTerm({
    term,
    index,
    view: { synced: Promise.resolve(), hasSynced: () => true },
    ledger: { load: () => Promise.resolve([]) },
    memory: createHostMemory(),
    clock: createFakeClock(now),
    yieldTurn: () => Promise.resolve(),
    random: () => 0.5,
    log: createFakeLog(),
    ...more,
  });
}

test('what all pods need is known before the first decision, so that nothing they need is detached', async () => {
  const index = createStaleIndex();
  expect([index.hasStale, index.need(host).get(reader)]).toEqual([true, undefined]);
  expect(await open(index)).toBe(true);
  expect([index.hasStale, index.need(host).get(reader)]).toEqual([false, 3]);
});

test('a term that ends while pods are settled does not begin', async () => {
  const ended = new AbortController();
  const index = createStaleIndex();
  // Each settled pod ends a slice.
  let elapsed = 0;
  const clock = { ...createFakeClock(now), elapsed: () => (elapsed += 10) };
  const yieldTurn = () => {
    ended.abort(new Error('the lease is lost'));
    return Promise.resolve();
  };
  const term: LeaderTerm = { signal: ended.signal, holds: () => !ended.signal.aborted };
  expect(await open(index, { term, clock, yieldTurn })).toBe(false);
  expect(index.hasStale).toBe(true);
});
