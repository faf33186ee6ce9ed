// What the pods of one namespace take in memory: MIC's heap is 330 MiB for all namespaces.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { PairRegistry } from '../../access/pair-registry.ts';
import { binding, identity, node } from '../../plan/test/builders.ts';
import { createTrims } from '../trims.ts';
import { ClusterIndex } from './cluster-index.ts';
import type { AccessGroup } from './rights.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  return getHeapStatistics().used_heap_size;
}

/** 100 bindings, of which each pod is selected by others: ten labels with sixteen values each are enough for that. */
function createWorld() {
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 10_000, recheckMs: 300_000 });
  const index = new ClusterIndex({ forceNamespaced: true }, { mode: 'rbac', registry });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  for (let number = 0; number < 100; number += 1) {
    const name = `id-${number}`;
    index.apply({ kind: 'identity', key: `evil/${name}`, view: identity({ namespace: 'evil', name }) });
    const values = Array.from({ length: 14 }, (_, value) => `v${(value * 3 + number) % 16}`);
    const podSelector = { matchExpressions: [{ key: `k${number % 10}`, operator: 'In', values }] };
    const view = binding({ namespace: 'evil', azureIdentity: name, selector: '', spec: { podSelector } });
    index.apply({ kind: 'binding', key: view.key, view });
  }
  return { registry, index };
}

const trims = createTrims();

function addPod(index: ClusterIndex, number: number): void {
  const labels = Object.fromEntries(
    Array.from({ length: 10 }, (_, key) => [`k${key}`, `v${(number * (key + 1) + (number >> key)) % 16}`]),
  );
  const metadata = { namespace: 'evil', name: `pod-${number}`, uid: `uid-${number}`, labels };
  const raw = {
    metadata,
    spec: { nodeName: 'node-0', serviceAccountName: 'web' },
    status: { phase: 'Running' },
  };
  index.apply({ kind: 'pod', key: `evil/pod-${number}`, view: trims.wholePod(raw) });
}

/** The API server refuses every right. */
function refuseAll({ registry, index }: ReturnType<typeof createWorld>): void {
  for (let now = 0; now < 3_000_000; now += 1_000_000) {
    for (let pair = registry.next(now); pair; pair = registry.next(now))
      index.rightsChanged(registry.record(pair, { kind: 'refused' }, { now, chance: 1 }));
    index.settle();
  }
}

test('attack: 1,000 pods of a namespace that all have other matches, about a hundred each, take less than 25 MiB, also when all are refused', () => {
  const world = createWorld();
  const before = bytesInUse();
  for (let number = 0; number < 1_000; number += 1) addPod(world.index, number);
  const { matches } = world.index.matchSetOf(world.index.pod('evil/pod-7')!);
  expect(matches.length).toBeGreaterThan(80);
  const unknown = bytesInUse() - before;
  refuseAll(world);
  const verdicts = world.index.rightsOf('evil/pod-7').barred.map(({ verdict }) => verdict);
  expect(verdicts).toEqual(matches.map(() => 'denied'));
  const refused = bytesInUse() - before;
  expect(Math.max(unknown, refused) / 2 ** 20).toBeLessThan(25);
});
