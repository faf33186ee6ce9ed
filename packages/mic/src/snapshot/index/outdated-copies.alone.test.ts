// What the index keeps of objects that were written again, as bytes of the heap.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { binding, identity, idOf, node } from '../../plan/test/builders.ts';
import { createTrims } from '../trims.ts';
import { ClusterIndex } from './cluster-index.ts';

const trims = createTrims();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const usedMiB = () => {
  collect();
  return getHeapStatistics().used_heap_size / 2 ** 20;
};

const selecting = { podSelector: { matchLabels: { app: 'web' } } };
const names = Array.from({ length: 64 }, (_, number) => `namespace-${number}-${'x'.repeat(45)}`);
/** Of strings of its own, as it comes from the API server. */
const copied = (value: object) => JSON.parse(JSON.stringify(value)) as object;

function createWorld() {
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  const write = (kind: 'identity' | 'binding', view: { readonly key: string }) =>
    index.apply({ kind, key: view.key, view } as never);
  const bind = (name: string, azureIdentity: string) =>
    write('binding', binding({ namespace: 'evil', name, azureIdentity, selector: '', spec: selecting }));
  /** All objects again, with the same meaning for pods of the namespace. */
  const touch = () => {
    for (let number = 0; number < 99; number += 1) {
      const name = `id-${number}`;
      const spec = { type: 0, resourceID: idOf(name), allowedNamespaces: copied({ names }) };
      write('identity', identity({ namespace: 'evil', name, spec }));
      bind(name, name);
    }
  };
  const run = (name: string) => {
    const metadata = { namespace: 'evil', name, uid: name, labels: { app: 'web' } };
    const spec = { nodeName: 'node-0', serviceAccountName: 'web' };
    const view = trims.wholePod({ metadata, spec, status: { phase: 'Running' } });
    index.apply({ kind: 'pod', key: `evil/${name}`, view });
  };
  touch();
  run('pod-0');
  index.settle();
  return { index, touch, bind, run };
}

test.each([
  [
    'and one of which has another name each time',
    ({ index, bind }: ReturnType<typeof createWorld>, round: number) => {
      bind(`more-${round}`, 'id-0');
      index.apply({ kind: 'binding', key: `evil/more-${round - 1}`, view: undefined });
    },
  ],
  ['while pods come', ({ run }: ReturnType<typeof createWorld>, round: number) => run(`pod-${round}`)],
])('copies of objects that a namespace writes again and again, %s, are not kept', (_, alsoChange) => {
  const world = createWorld();
  const before = usedMiB();
  for (let round = 1; round <= 40; round += 1) {
    world.touch();
    alsoChange(world, round);
    world.index.settle();
  }
  // One set of copies is about 1 MiB.
  expect(usedMiB() - before).toBeLessThan(8);
});
