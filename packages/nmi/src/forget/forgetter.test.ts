import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { binding, identity, pod as podOf, rules as usual, viewOf, type World } from '../../test/builders.ts';
import { identitiesOf } from '../authorize/authorize.ts';
import type { RightsChange } from '../authorize/types.ts';
import { reachOf, usableBy } from '../authorize/usable-by.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createForgetter } from './forgetter.ts';
import { createHolders } from './holders.ts';

const rules = { ...usual, mode: 'managed' as const, forceNamespaced: true };

/** A node; counts how often rights are evaluated, and how often in one turn of the event loop. */
const stage = (world: World, over: Partial<typeof rules> = {}) => {
  const clock = createFakeClock();
  const cluster = viewOf(world);
  const pods = new Map<string, PodView>();
  const released: string[] = [];
  const listeners = {
    pod: new Set<(uid: string) => void>(),
    rights: new Set<(change: RightsChange) => void>(),
  };
  const counts = { evaluated: [] as string[], mostInTurn: 0 };
  let inTurn = 0;
  const subscribe = <T>(all: Set<T>, listener: T) => {
    all.add(listener);
    return () => void all.delete(listener);
  };
  const holders = createHolders(({ key }) => released.push(key.split('/').at(-1) ?? ''));
  const forgetter = createForgetter({
    holders,
    podOf: (uid) => pods.get(uid),
    usableBy: (pod) => {
      inTurn += 1;
      counts.evaluated.push(pod.name);
      counts.mostInTurn = Math.max(counts.mostInTurn, inTurn);
      return usableBy(pod, cluster.view, { ...rules, ...over });
    },
    reachOf: (namespace) => reachOf(namespace, cluster.view, { ...rules, ...over }),
    changes: {
      onPod: (listener) => subscribe(listeners.pod, listener),
      onRights: (listener) => subscribe(listeners.rights, listener),
    },
    clock: {
      elapsed: () => clock.elapsed(),
      after: (ms, run) =>
        clock.after(ms, () => {
          inTurn = 0;
          run();
        }),
    },
  });
  const stop = new AbortController();
  const ended = forgetter.run(stop.signal);
  const tell = (namespace: string, reachesOut = true) => {
    for (const listener of [...listeners.rights]) listener({ namespace, reachesOut });
  };
  return {
    clock,
    counts,
    released,
    holders,
    listeners,
    stop,
    ended,
    tell,
    change: (next: World, namespace = 'default') => {
      cluster.change(next);
      tell(namespace);
    },
    hold(pod: PodView) {
      for (const { identity: one } of identitiesOf(pod, cluster.view, rules)) {
        const holder = holders.hold(one, { namespace: pod.namespace, pod: pod.uid });
        if (holder) forgetter.held(holder);
      }
    },
    put(pod: PodView) {
      pods.set(pod.uid, pod);
      for (const listener of listeners.pod) listener(pod.uid);
    },
    remove(uid: string) {
      pods.delete(uid);
      for (const listener of listeners.pod) listener(uid);
    },
  };
};

const podNamed = (name: string, namespace = 'default') =>
  podOf({ uid: name, name, namespace, key: `${namespace}/${name}` });
const many = (count: number, namespace = 'default'): Required<Pick<World, 'identities' | 'bindings'>> => {
  const names = Array.from({ length: count }, (_, n) => `id-${n}`);
  return {
    identities: names.map((name) => identity({ name, namespace })),
    bindings: names.map((name) => binding(name, { namespace })),
  };
};
const podsIn = (count: number, namespace = 'default') =>
  Array.from({ length: count }, (_, n) => podNamed(`${namespace}-${n}`, namespace));

it('attack: 100 pods with 100 identities that requested nothing cost nothing at any change', async () => {
  const node = stage(many(100));
  for (const pod of podsIn(100)) node.put(pod);
  node.change(many(99));
  await node.clock.advance(10_000);
  expect(node.counts.evaluated).toEqual([]);
});

it('attack: a change of one pod is one evaluation, though 100 pods hold 100 identities each', async () => {
  const node = stage(many(100));
  const pods = podsIn(100);
  for (const pod of pods) node.put(pod);
  for (const pod of pods) node.hold(pod);
  await node.clock.advance(10_000);
  node.counts.evaluated.length = 0;
  for (let n = 0; n < 50; n += 1) node.put(podNamed('default-7'));
  await node.clock.advance(10_000);
  expect(node.counts.evaluated).toEqual(['default-7']);
});

it('attack: a change in one namespace is no evaluation of pods of others, by default and in mode rbac', async () => {
  for (const identityAccess of ['namespace', 'rbac'] as const) {
    const node = stage(many(1, 'shop'), { identityAccess });
    const pods = podsIn(20, 'shop');
    for (const pod of pods) node.put(pod);
    for (const pod of pods) node.hold(pod);
    await node.clock.advance(10_000);
    node.counts.evaluated.length = 0;
    for (let n = 0; n < 1_000; n += 1) node.tell(`hostile-${n}`);
    await node.clock.advance(10_000);
    expect(node.counts.evaluated).toEqual([]);
  }
});

it('one pod is evaluated in a turn of the event loop, whatever has changed', async () => {
  const node = stage(many(10));
  const pods = podsIn(100);
  for (const pod of pods) node.put(pod);
  for (const pod of pods) node.hold(pod);
  await node.clock.advance(10_000);
  node.counts.evaluated.length = 0;
  node.change(many(9));
  await node.clock.advance(250);
  expect([node.counts.evaluated.length, node.counts.mostInTurn]).toEqual([100, 1]);
  expect(node.released).toEqual(['id-9']);
});

it('a namespace that changes all the time does not keep tokens of others in memory, and is evaluated once in each settle time', async () => {
  const node = stage({
    identities: [identity({ name: 'reader', namespace: 'bank' }), ...many(1, 'hostile').identities],
    bindings: [binding('reader', { namespace: 'bank' }), ...many(1, 'hostile').bindings],
  });
  const [victim, ...hostile] = [podNamed('victim', 'bank'), ...podsIn(30, 'hostile')];
  for (const pod of [victim, ...hostile]) node.put(pod);
  for (const pod of [victim, ...hostile]) node.hold(pod);
  await node.clock.advance(1_000);
  node.counts.evaluated.length = 0;
  node.change(many(1, 'hostile'), 'bank');
  for (let ms = 0; ms < 1_000; ms += 1) {
    node.tell('hostile');
    await node.clock.advance(1);
  }
  expect(node.released).toEqual(['reader']);
  expect(node.counts.evaluated.indexOf('victim')).toBeLessThanOrEqual(2);
  expect(node.counts.evaluated.length).toBeLessThanOrEqual(4 * 30 + 1);
});

it('the pod is gone: what it held is released after the settle time, with no evaluation', async () => {
  const node = stage(many(2));
  node.put(podNamed('a'));
  node.hold(podNamed('a'));
  await node.clock.advance(250);
  node.counts.evaluated.length = 0;
  node.remove('a');
  await node.clock.advance(250);
  expect([node.released.sort(), node.counts.evaluated]).toEqual([['id-0', 'id-1'], []]);
});

it('a pod that the watch delivers late keeps what it holds; one that it never delivers does so for a minute', async () => {
  const node = stage(many(1));
  node.hold(podNamed('late'));
  await node.clock.advance(59_000);
  node.tell('default');
  await node.clock.advance(500);
  expect(node.released).toEqual([]);
  node.put(podNamed('late'));
  node.hold(podNamed('never'));
  await node.clock.advance(59_000);
  node.remove('late');
  await node.clock.advance(250);
  expect(node.released).toEqual([]);
  await node.clock.advance(1_000);
  expect(node.released).toEqual(['id-0']);
});

it('ends with the signal, and leaves no listener behind', async () => {
  const node = stage(many(1));
  node.put(podNamed('a'));
  node.hold(podNamed('a'));
  node.stop.abort();
  await node.ended;
  await node.clock.advance(1_000);
  expect(node.counts.evaluated).toEqual([]);
  expect([node.listeners.pod.size, node.listeners.rights.size]).toEqual([0, 0]);
});
