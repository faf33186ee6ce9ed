import { KubeError } from '@pod-identity/kit/kube';
import { expect, test, vi } from 'vitest';
import { binding, clientIdOf, identity, idOf, pod, resourceIdOf } from '../plan/test/builders.ts';
import { podKeyOf } from '../plan/plan.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf } from '../snapshot/keys.ts';
import { createFakeWorld, host } from './test/fake-world.ts';

function setUp() {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  world.addPod('pod', 'app');
  return world;
}
const ofObjects = (writes: readonly string[]) => writes.filter((name) => name.endsWith('assigned'));

test('a pod is not planned again for what was written for it', async () => {
  const world = setUp();
  world.attached.set(idOf('app'), { clientId: clientIdOf('app'), principalId: 'p' });
  await world.startTerm();
  await world.clock.advance(10_000);
  expect(world.index.takeDirty(host.id)).toEqual(new Set());
});

test('a refused write is retried after a delay, not with every plan', async () => {
  const world = setUp();
  world.onWrite((name) => {
    if (name === 'create assigned') throw new KubeError('unavailable', 'etcd is away');
  });
  const term = await world.startTerm();
  let tries = 0;
  for (let round = 0; round < 100; round += 1) {
    world.index.markAllDirty();
    term.poke();
    await world.clock.advance(100);
    tries = term.steps.length;
  }
  expect(tries).toBeLessThanOrEqual(3);
  expect(tries).toBeGreaterThanOrEqual(2);
  world.onWrite(() => undefined);
  await world.clock.advance(6_000);
  expect(world.states()).toEqual(['pod: Assigned']);
});

const ownKey = 'default/pod-shop-app';
const written = (world: ReturnType<typeof setUp>) => world.assigned.objects.get(ownKey)!;

test('attack: an object that an editor changes without end is written every five seconds at most', async () => {
  const world = setUp();
  const hold = Promise.withResolvers<undefined>();
  world.gates.hold = hold.promise;
  const term = await world.startTerm();
  await world.clock.advance(3_000);
  world.onWrite((name) => {
    const object = written(world);
    if (name === 'patch assigned') world.assigned.put({ ...object, metadata: { ...object.metadata } });
  });
  hold.resolve(undefined);
  await world.clock.advance(60_000);
  const stale = term.steps.filter(({ outcome }) => outcome.kind === 'stale');
  expect(stale.length).toBeGreaterThan(5);
  expect(stale.length).toBeLessThan(15);
});

test('of two pods with one plain name the first to write has it, and the other its distinct one at once', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  world.attached.set(idOf('app'), { clientId: clientIdOf('app'), principalId: 'p' });
  const pods = [
    pod({ name: 'a-b', namespace: 'c', label: 'app' }),
    pod({ name: 'a', namespace: 'b-c', label: 'app' }),
  ];
  for (const view of pods) world.index.apply({ kind: 'pod', key: keyOf(view), view });
  const { steps } = await world.startTerm();
  await world.clock.advance(1_000);
  expect(steps.map(({ outcome }) => outcome.kind).toSorted()).toEqual(['stale', 'written', 'written']);
  expect(world.states()).toEqual(['a-b: Assigned', 'a: Assigned']);
  const names = [...world.assigned.objects.keys()];
  expect(names).toContain('default/a-b-c-app');
  // Both keep theirs in the next term.
  const next = await world.startTerm();
  await world.clock.advance(60_000);
  expect(next.steps).toEqual([]);
  expect([...world.assigned.objects.keys()]).toEqual(names);
});

test('attack: objects that an editor writes about missing pods and about waiting ones do not delay a new pod', async () => {
  const world = createFakeWorld();
  world.addNode();
  for (const name of ['app', 'bad']) world.addIdentity(name);
  world.azure.rejecting.set(idOf('bad'), 'IdentityNotFound');
  world.attached.set(idOf('app'), { clientId: clientIdOf('app'), principalId: 'p' });
  const waits = pod({ namespace: 'evil', name: 'waits', label: 'bad' });
  world.index.apply({ kind: 'pod', key: 'evil/waits', view: waits });
  const first = await world.startTerm();
  await world.clock.advance(10_000);
  const own = world.assigned.objects.get('default/waits-evil-bad')!;
  for (let n = 0; n < 3_000; n += 1) {
    const [name, ofPod] = [`forged-${n}`, n % 2 === 0 ? 'waits' : `gone-${n}`];
    world.assigned.put({ ...own, metadata: { name, namespace: 'evil' }, spec: { ...own.spec, pod: ofPod } });
  }
  first.end();
  world.addPod('pod', 'app');
  const before = world.writes.length;
  const { mirror } = await world.startTerm();
  await world.clock.advance(30_000);
  expect(world.states()).toContain('pod: Assigned');
  expect(ofObjects(world.writes.slice(before))[0]).toBe('create assigned');
  expect(mirror.keys().toSorted()).toEqual(['default/pod-shop-app', 'default/waits-evil-bad']);
});

test('attack: pods that wait for a refused identity, any number of them, are not looked at with each change of another pod', async () => {
  const world = createFakeWorld();
  world.addNode();
  for (const name of ['app', 'bad']) world.addIdentity(name);
  world.azure.rejecting.set(idOf('bad'), 'IdentityNotFound');
  world.attached.set(idOf('app'), { clientId: clientIdOf('app'), principalId: 'p' });
  for (let n = 0; n < 50; n += 1) {
    const view = pod({ namespace: 'evil', name: `waits-${n}`, label: 'bad' });
    world.index.apply({ kind: 'pod', key: `evil/${view.name}`, view });
  }
  const term = await world.startTerm();
  await world.clock.advance(30_000);
  const looks = vi.spyOn(world.index, 'rightsOf');
  for (let n = 0; n < 10; n += 1) {
    world.addPod(`pod-${n}`, 'app');
    term.poke();
    await world.clock.advance(1_000);
  }
  expect(world.states().filter((state) => state.endsWith('Assigned'))).toHaveLength(10);
  expect(looks.mock.calls.filter(([key]) => key.startsWith('evil/')).length).toBeLessThanOrEqual(100);
});

test('attack: a namespace whose records are all refused, for example by a quota, causes fewer and fewer writes', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  world.attached.set(idOf('app'), { clientId: clientIdOf('app'), principalId: 'p' });
  for (let n = 0; n < 30; n += 1) world.addPod(`pod-${n}`, 'app');
  let tries = 0;
  world.onWrite(() => {
    tries += 1;
    throw new KubeError('denied', 'exceeded quota: records');
  });
  const { steps } = await world.startTerm();
  await world.clock.advance(600_000);
  expect(tries).toBeGreaterThan(30 * 10);
  expect(tries).toBeLessThan(30 * 16);
  const ofOne = steps.filter(({ step }) => podKeyOf(step) === 'shop/pod-7');
  expect(ofOne.slice(0, 3).map(({ refusals }) => refusals)).toEqual([undefined, 1, 2]);
  world.onWrite(() => undefined);
  await world.clock.advance(61_000);
  expect(world.states().filter((state) => state.endsWith('Assigned'))).toHaveLength(30);
});

/** In the end its pods get the same as before. */
function editBackAndForth(index: ClusterIndex): void {
  const view = index.objects.identity('default/app');
  for (const one of [undefined, view]) index.apply({ kind: 'identity', key: 'default/app', view: one });
}

test('attack: edits of an identity while a new pod waits to be planned do not keep it from its identity', async () => {
  const world = setUp();
  const term = await world.startTerm();
  await world.clock.advance(10_000);
  const crowd = Array.from({ length: 501 }, (_, number) => `pod-${number}`);
  for (const name of crowd) world.addPod(name, 'app');
  await term.reconciler.objects(host.id);
  editBackAndForth(world.index);
  world.addPod('last', 'app');
  editBackAndForth(world.index);
  await term.reconciler.objects(host.id);
  term.poke();
  await world.clock.advance(60_000);
  expect(world.states()).toEqual(['pod', 'last', ...crowd].map((name) => `${name}: Assigned`).sort());
});

test('attack: edits of an identity during the writes of a pass do not keep its reasons from a pod that needs no write', async () => {
  const world = setUp();
  world.attached.set(idOf('app'), { clientId: clientIdOf('app'), principalId: 'p' });
  const term = await world.startTerm();
  await world.clock.advance(10_000);
  world.addPod('pod', 'app');
  world.addPod('new', 'app');
  world.onWrite(() => editBackAndForth(world.index));
  term.planned.length = 0;
  await term.reconciler.objects(host.id);
  term.poke();
  await world.clock.advance(10_000);
  expect(term.planned).toContain('shop/pod');
});

test('attack: edits of a binding that take an identity away, and then nothing more, leave no object that is not deleted', async () => {
  const world = setUp();
  const term = await world.startTerm();
  await world.clock.advance(10_000);
  const binding = world.index.objects.binding('default/app-binding');
  const edit = (view: typeof binding) =>
    world.index.apply({ kind: 'binding', key: 'default/app-binding', view });
  edit(undefined);
  world.index.settle();
  edit(binding);
  edit(undefined);
  await term.reconciler.objects(host.id);
  term.poke();
  await world.clock.advance(10_000);
  expect(world.states()).toEqual([]);
});

test('attack: an identity of another namespace that has the name of an own one is written beside it, and neither again and again', async () => {
  const world = setUp();
  for (const namespace of ['evil', 'worse']) {
    const spec = { type: 0, resourceID: resourceIdOf(namespace), allowedNamespaces: { names: ['shop'] } };
    const guest = identity({ namespace, name: 'app', spec });
    world.index.apply({ kind: 'identity', key: guest.key, view: guest });
    const bound = binding({ namespace, azureIdentity: 'app', selector: 'app' });
    world.index.apply({ kind: 'binding', key: bound.key, view: bound });
  }
  await world.startTerm();
  await world.clock.advance(20_000);
  const given = [...world.assigned.objects.values()].map(({ spec }) => spec.azureIdentityRef.metadata);
  expect(given.map(({ namespace }) => namespace).sort()).toEqual(['default', 'evil', 'worse']);
  const writes = world.writes.length;
  await world.clock.advance(60_000);
  expect(world.writes).toHaveLength(writes);
});

test.each([
  ['pods that are gone', (n: number) => `gone-${n}`],
  ['a pod of another namespace', () => 'pod'],
])(
  'attack: records for %s that an editor changes again before each removal are not kept, and nobody waits for their removal',
  async (_whose, podOf) => {
    const world = setUp();
    const term = await world.startTerm();
    await world.clock.advance(5_000);
    const own = written(world);
    for (let n = 0; n < 50; n += 1) {
      const metadata = { name: `forged-${n}`, namespace: 'evil', labels: own.metadata.labels ?? {} };
      world.assigned.put({ ...own, metadata, spec: { ...own.spec, pod: podOf(n) } });
    }
    const edit = () => {
      for (const one of world.assigned.objects.values())
        if (one.metadata.namespace === 'evil') world.assigned.put(one);
    };
    let removals = 0;
    world.onWrite((name) => {
      if (name !== 'delete assigned') return;
      removals += 1;
      edit();
    });
    await world.clock.advance(30_000);
    expect(term.mirror.keys()).toEqual([ownKey]);
    expect(term.mirror.of('shop/pod')).toHaveLength(1);
    // Of the one list: the host that the records name has no part in it.
    expect(removals).toBe(50);
  },
);
