// With many namespaces whose bindings need all their pods, MIC watches all pods of the cluster once.
import { bindingLabel } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { rules } from '../../plan/test/builders.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import type { PodView } from '../views.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { createFakeApi, paths } from './test/fake-api.ts';
import { createPodServer, type PodStream } from './test/pod-server.ts';

const limits = { own: 3, few: 1, pauseMs: 60_000 };
const inNamespace = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;
const byApp = (namespace: string) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: 'AzureIdentityBinding',
  // The fake server files by name.
  metadata: { name: `by-app-${namespace}`, namespace },
  spec: { azureIdentity: 'reader', podSelector: { matchLabels: { app: 'web' } } },
});

async function setUp() {
  const clock = createFakeClock();
  const api = createFakeApi();
  const server = createPodServer(api.transport);
  const index = new ClusterIndex({ ...rules, forceNamespaced: true });
  const log = createFakeLog();
  const view = createClusterWatch({
    transport: server.transport,
    index,
    clock,
    random: () => 0,
    log,
    limits,
  });
  const seen: (readonly [string, PodView | undefined])[] = [];
  view.onPod((key, pod) => seen.push([key, pod]));
  const ending = new AbortController();
  const running = view.run(ending.signal);
  const bound = new Set<string>();
  const world = {
    clock,
    server,
    index,
    log,
    view,
    seen,
    bound,
    bind: async (namespace: string) => {
      if (!bound.has(namespace)) api.put(paths.bindings, byApp(namespace));
      bound.add(namespace);
      await clock.advance(0);
    },
    unbind: async (namespace: string) => {
      if (bound.delete(namespace)) api.remove(paths.bindings, byApp(namespace));
      await clock.advance(0);
    },
    /** Completes all lists, and delivers all changes and a bookmark. */
    catchUp: async () => {
      for (let round = 0; round < 3; round += 1) {
        for (const list of server.lists) list.answer();
        await clock.advance(1_000);
        for (const stream of server.streams) stream.deliver(100);
        await clock.advance(0);
      }
    },
    connections: () => server.streams.filter(({ isLabelled }) => !isLabelled).map(({ path }) => path),
    end: async () => {
      ending.abort();
      await running;
    },
  };
  await clock.advance(0);
  await world.catchUp();
  return world;
}

const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

test('a few namespaces are watched one by one, and any number by one more watch', async () => {
  const { bind, catchUp, connections, view, log } = await setUp();
  for (const namespace of many.slice(0, 3)) await bind(namespace);
  await catchUp();
  expect(connections().sort()).toEqual(many.slice(0, 3).map(inNamespace));
  for (const namespace of many.slice(3)) await bind(namespace);
  expect(connections()).toHaveLength(3);
  await catchUp();
  expect(connections()).toEqual([paths.pods]);
  expect(view.coverage()).toEqual({ namespace: 0, cluster: many.length, none: 0 });
  expect(JSON.stringify(log.lines)).toContain('all pods of the cluster');
});

test('a namespace that comes later has a watch of its own', async () => {
  const { bind, catchUp, connections } = await setUp();
  for (const namespace of many) await bind(namespace);
  await catchUp();
  await bind('late');
  await catchUp();
  expect(connections().sort()).toEqual([inNamespace('late'), paths.pods]);
});

test('namespaces that come all the time cause one list of the cluster in each pause', async () => {
  const { bind, catchUp, server, clock, connections, view } = await setUp();
  const listed = server.listed(paths.pods);
  for (let minute = 0; minute < 4; minute += 1) {
    for (let number = 0; number < 20; number += 1) await bind(`new-${minute}-${number}`);
    await catchUp();
    expect(connections().length).toBeLessThanOrEqual(limits.own + 2);
    await clock.advance(limits.pauseMs - 3_000);
  }
  await catchUp();
  expect(server.listed(paths.pods) - listed).toBeLessThanOrEqual(5);
  expect(view.coverage().none).toBe(0);
});

test('a namespace that waits for the list of the cluster gets a watch that becomes free', async () => {
  const { bind, unbind, catchUp, connections } = await setUp();
  for (const namespace of many.slice(0, 4)) await bind(namespace);
  await unbind('a');
  await catchUp();
  expect(connections().sort()).toEqual(['b', 'c', 'd'].map(inNamespace));
});

test('when few namespaces are left, each is watched by itself again', async () => {
  const { bind, unbind, catchUp, connections, log } = await setUp();
  for (const namespace of many) await bind(namespace);
  await catchUp();
  for (const namespace of many.slice(2)) await unbind(namespace);
  await catchUp();
  expect(connections()).toEqual([paths.pods]);
  await unbind('b');
  expect(connections()).toEqual([paths.pods]);
  await catchUp();
  expect(connections()).toEqual([inNamespace('a')]);
  expect(JSON.stringify(log.lines)).toContain('by itself again');
});

test('the end leaves no timer', async () => {
  const { bind, end, clock } = await setUp();
  for (const namespace of many) await bind(namespace);
  await end();
  expect(clock.pending).toBe(0);
});

test('a watch that stayed is not used before it has what the watch by label brought meanwhile', async () => {
  const { bind, unbind, catchUp, server, index, clock, connections } = await setUp();
  const label = { app: 'web', [bindingLabel]: 'demo' };
  server.put('a', 'x', label);
  await bind('a');
  await catchUp();
  await unbind('a');
  server.put('a', 'x', label);
  const [now] = server.pods();
  for (const stream of server.streams.filter(({ isLabelled }) => isLabelled)) stream.deliver(1);
  await clock.advance(0);
  await bind('a');
  await clock.advance(1_000);
  expect(index.pod('a/x')?.nodeName).toBe(now?.metadata.resourceVersion);
  expect(connections()).toEqual([inNamespace('a')]);
  await catchUp();
  expect(index.pod('a/x')?.labels).toEqual(label);
  expect(server.listed(inNamespace('a'))).toBe(1);
});

test('a watch that stayed goes when another namespace needs one', async () => {
  const { bind, unbind, catchUp, connections, view } = await setUp();
  for (const namespace of many.slice(0, 3)) await bind(namespace);
  await catchUp();
  await unbind('a');
  expect(connections()).toHaveLength(3);
  await bind('d');
  await catchUp();
  expect(connections().sort()).toEqual(['b', 'c', 'd'].map(inNamespace));
  expect(view.coverage()).toEqual({ namespace: 3, cluster: 0, none: 0 });
});

type Move =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly labels: Labels }
  | { readonly kind: 'bind' | 'unbind'; readonly namespace: string }
  | { readonly kind: 'deliver'; readonly stream: number; readonly changes: number }
  | { readonly kind: 'answer'; readonly list: number }
  | { readonly kind: 'wait'; readonly ms: number };
type Labels = Readonly<Record<string, string>> | undefined;

const namespace = fc.constantFrom(...many.slice(0, 6));
const labels = fc.constantFrom<Labels[]>(
  undefined,
  { app: 'web' },
  { app: 'web', [bindingLabel]: 'demo' },
  { [bindingLabel]: 'demo' },
);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pod' as const),
      namespace,
      name: fc.constantFrom('x', 'y'),
      labels,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('bind' as const), namespace }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unbind' as const), namespace }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('deliver' as const),
      stream: fc.nat(7),
      changes: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer' as const), list: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(100, 500, 60_000) }),
  },
);

type World = Awaited<ReturnType<typeof setUp>>;

async function play({ server, clock, seen, bind, unbind, catchUp }: World, one: Move): Promise<void> {
  switch (one.kind) {
    case 'pod':
      server.put(one.namespace, one.name, one.labels);
      return;
    case 'bind':
      return bind(one.namespace);
    case 'unbind':
      // The watch by label may be behind those that end here.
      await catchUp();
      await unbind(one.namespace);
      // Pods without the label go, and come back with the next binding.
      expectNoReturn(seen);
      return;
    case 'deliver': {
      const streams: readonly PodStream[] = server.streams;
      streams[one.stream % Math.max(1, streams.length)]?.deliver(one.changes);
      break;
    }
    case 'answer':
      server.lists[one.list % Math.max(1, server.lists.length)]?.answer();
      break;
    case 'wait':
      return clock.advance(one.ms);
  }
  await clock.advance(0);
}

/** A pod's node is its version: no pod is seen as it was before, and none comes back that has gone. */
function expectNoReturn(seen: World['seen']): void {
  const last = new Map<string, number>();
  const gone = new Set<string>();
  for (const [key, pod] of seen.splice(0)) {
    const before = last.get(key) ?? 0;
    if (pod === undefined) {
      gone.add(key);
      continue;
    }
    const version = Number(pod.nodeName);
    expect(version, key).toBeGreaterThanOrEqual(before + Number(gone.has(key)));
    last.set(key, version);
    gone.delete(key);
  }
}

test('no pod and no change is lost, and none comes back, however the watches change and however late each is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 20, maxLength: 120 }), async (moves) => {
      const world = await setUp();
      const { server, index, bound, catchUp, connections, seen, end } = world;
      for (const one of moves) {
        await play(world, one);
        expect(connections().length).toBeLessThanOrEqual(limits.own + 2);
      }
      await catchUp();
      await world.clock.advance(limits.pauseMs);
      await catchUp();
      const truth = server
        .pods()
        .filter(({ metadata }) => bound.has(metadata.namespace) || bindingLabel in metadata.labels)
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`);
      const known = many
        .flatMap((one) => index.podsIn(one))
        .map((key) => `${key} ${index.pod(key)?.nodeName ?? ''}`);
      expect(known.sort()).toEqual(truth.sort());
      expectNoReturn(seen);
      await end();
    }),
    { numRuns: 200 },
  );
});
