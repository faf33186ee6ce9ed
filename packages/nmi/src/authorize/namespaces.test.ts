import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { createNamespaceInformer } from './namespaces.ts';

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const namespace = (name: string, mode?: string) => ({
  metadata: {
    name,
    uid: name,
    resourceVersion: '1',
    annotations: mode === undefined ? {} : { 'aadpodidentity.k8s.io/identity-access': mode },
  },
});

const stage = (items: readonly object[], mostLabels?: number) => {
  const clock = createFakeClock(60_000);
  const state = { isDenied: true, lists: 0, events: [] as object[], endWatch: (): void => undefined };
  const transport: KubeTransport = {
    server: 'model',
    close: () => Promise.resolve(),
    request: ({ onItem }: KubeRequest) => {
      state.lists += 1;
      if (state.isDenied) return Promise.reject(new KubeError('denied', 'forbidden', { status: 403 }));
      for (const item of items) onItem?.(item);
      return Promise.resolve({ metadata: { resourceVersion: '1' }, items: onItem ? [] : items });
    },
    watch: async function* watch({ signal, onOpen }: KubeRequest) {
      onOpen?.();
      yield* state.events.splice(0);
      await new Promise((resolve) => {
        state.endWatch = () => resolve(undefined);
        signal?.addEventListener('abort', resolve);
      });
      yield* [];
    },
  };
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const informer = createNamespaceInformer({
    transport,
    clock,
    random: () => 0,
    log,
    pageSize: 100,
    ...(mostLabels !== undefined && { mostLabels }),
  });
  const stop = new AbortController();
  stops.push(stop);
  void informer.run(stop.signal);
  return { clock, informer, lines, state };
};

it('is complete without Namespaces where NMI may not list them, and says so once', async () => {
  const { clock, informer, lines, state } = stage([namespace('pay', 'rbac')]);
  await clock.advance(0);
  await informer.synced;
  expect(informer.hasSynced()).toBe(true);
  await clock.advance(3_600_000);
  expect(informer.lastHeardMs()).toBe(0);
  expect(informer.store.size).toBe(0);
  expect(lines).toHaveLength(1);
  expect(state.lists).toBeLessThan(25);
});

it('knows Namespaces a moment after NMI may list them, and then grows old like any other', async () => {
  const { clock, informer, state } = stage([namespace('pay', 'rbac'), namespace('shop')]);
  await clock.advance(1_000);
  state.isDenied = false;
  await clock.advance(4_000);
  expect(informer.store.get('pay')).toMatchObject({ access: 'rbac' });
  expect(informer.store.get('shop')?.access).toBeUndefined();
  await clock.advance(20_000);
  expect(informer.lastHeardMs()).toBeGreaterThan(15_000);
});

it('keeps what it knew when the right is removed', async () => {
  const { clock, informer, state } = stage([namespace('pay', 'rbac')]);
  state.isDenied = false;
  await clock.advance(10_000);
  state.isDenied = true;
  await clock.advance(60_000);
  expect(informer.store.get('pay')).toMatchObject({ access: 'rbac' });
  expect(informer.hasSynced()).toBe(true);
});

it('says which Namespace has an annotation that is not understood', async () => {
  const { clock, lines, state } = stage([namespace('pay', 'off')]);
  state.isDenied = false;
  await clock.advance(10_000);
  expect(lines.at(-1)).toContain('identity-access is "off", so rbac counts');
});

const labelled = (name: string, length: number, uid = name) => ({
  metadata: { name, uid, resourceVersion: uid, labels: { a: 'x'.repeat(length) } },
});

it('keeps the labels of Namespaces without bound in number within one bound, and says whose are left out', async () => {
  const crowd = Array.from({ length: 200 }, (_, index) => labelled(`crowd-${index}`, 500));
  const { clock, informer, lines, state } = stage([...crowd, labelled('pay', 5)], 10_000);
  state.isDenied = false;
  await clock.advance(10_000);
  const known = [...informer.store.values()].filter(
    ({ name }) => informer.viewOf(name)?.labels !== undefined,
  );
  expect(informer.store.size).toBe(201);
  expect(known.length).toBeLessThan(20);
  expect([...informer.store.values()].every(({ labels }) => labels === undefined)).toBe(true);
  expect(informer.viewOf('pay')).toMatchObject({ labels: { a: 'xxxxx' } });
  expect(informer.viewOf('pay')?.labelsFault).toBeUndefined();
  expect(informer.viewOf('crowd-199')?.labelsFault).toContain('of all Namespaces together');
  expect(lines.some((line) => line.includes('longest=crowd-'))).toBe(true);
});

it('knows the labels of a Namespace that is created again under its name, and none of a deleted one', async () => {
  const { clock, informer, state } = stage([labelled('pay', 5), labelled('shop', 5)]);
  state.events = [
    { type: 'MODIFIED', object: labelled('pay', 3, 'another') },
    { type: 'DELETED', object: labelled('shop', 5) },
  ];
  state.isDenied = false;
  const before = informer.labelsRevision();
  await clock.advance(10_000);
  expect(informer.viewOf('pay')).toMatchObject({ labels: { a: 'xxx' } });
  expect(informer.viewOf('shop')).toBeUndefined();
  expect(informer.labelsRevision()).toBeGreaterThan(before);
});

it('lists again for labels that were left out when there is room for them', async () => {
  const crowd = Array.from({ length: 30 }, (_, index) => labelled(`crowd-${index}`, 500));
  const { clock, informer, state } = stage(crowd, 10_000);
  const left = crowd.slice(20, 22);
  state.events = crowd
    .filter((object) => !left.includes(object))
    .map((object) => ({ type: 'DELETED', object }));
  state.isDenied = false;
  await clock.advance(10_000);
  expect(informer.viewOf('crowd-20')).toMatchObject({ labels: undefined });
  crowd.splice(0, 30, ...left);
  await clock.advance(600_000);
  state.endWatch();
  await clock.advance(10_000);
  expect(informer.viewOf('crowd-20')).toMatchObject({ labels: { a: 'x'.repeat(500) } });
});

it('lists again for labels that were left out when labels of other Namespaces become shorter', async () => {
  const crowd = Array.from({ length: 30 }, (_, index) => labelled(`crowd-${index}`, 500));
  const { clock, informer, state } = stage(crowd, 10_000);
  const left = crowd.slice(20, 22);
  const others = crowd.filter((object) => !left.includes(object));
  const shorter = others.map(({ metadata: { name } }) => ({
    metadata: { name, uid: name, resourceVersion: '2', labels: { a: 'x' } },
  }));
  state.events = shorter.map((object) => ({ type: 'MODIFIED', object }));
  state.isDenied = false;
  await clock.advance(10_000);
  expect(informer.viewOf('crowd-20')).toMatchObject({ labels: undefined });
  crowd.splice(0, 30, ...left, ...shorter);
  await clock.advance(600_000);
  const { lists } = state;
  state.endWatch();
  await clock.advance(10_000);
  expect(informer.viewOf('crowd-20')).toMatchObject({ labels: { a: 'x'.repeat(500) } });
  expect(state.lists).toBe(lists + 1);
  await clock.advance(600_000);
  state.endWatch();
  await clock.advance(10_000);
  expect(state.lists).toBe(lists + 1);
});

it('does not parse the labels of a Namespace to read its annotation', async () => {
  const { clock, informer, state } = stage([labelled('pay', 5)]);
  state.isDenied = false;
  await clock.advance(10_000);
  const parse = vi.spyOn(JSON, 'parse');
  try {
    const view = informer.viewOf('pay');
    expect(view?.access).toBeUndefined();
    expect(parse).not.toHaveBeenCalled();
    expect(view?.labels).toEqual({ a: 'xxxxx' });
  } finally {
    parse.mockRestore();
  }
});

it('does not list again and again for labels that have no room alone', async () => {
  const { clock, informer, state } = stage([labelled('long', 1_500)], 1_000);
  state.isDenied = false;
  await clock.advance(10_000);
  expect(informer.viewOf('long')?.labelsFault).toContain('of all Namespaces together');
  const { lists } = state;
  await clock.advance(600_000);
  state.endWatch();
  await clock.advance(10_000);
  expect(state.lists).toBe(lists);
});

it('tells of each Namespace that changed, and of those whose labels are dropped because of another one', async () => {
  const { clock, informer, state } = stage([labelled('long', 60), labelled('short', 20)], 120);
  state.isDenied = false;
  const told: string[] = [];
  const stop = informer.onView((name) => told.push(name));
  await clock.advance(10_000);
  expect(told).toEqual(['long', 'short']);
  state.events.push({ type: 'ADDED', object: labelled('new', 50) });
  state.endWatch();
  await clock.advance(10_000);
  expect(informer.viewOf('long')?.labels).toBeUndefined();
  expect(told.slice(2)).toEqual(['long', 'new']);
  stop();
});

it('names the Namespace whose annotation is not understood, once for each text', async () => {
  const off = namespace('pay', 'off');
  const { clock, lines, state } = stage([off, labelled('shop', 5)]);
  state.isDenied = false;
  const changed = (mode: string | undefined, resourceVersion: string) => {
    const { metadata } = namespace('pay', mode);
    return { type: 'MODIFIED', object: { metadata: { ...metadata, resourceVersion } } };
  };
  state.events = [changed('off', '2'), changed('none', '3'), changed(undefined, '4')];
  await clock.advance(10_000);
  // After the one that says that Namespaces may not be listed.
  const told = lines.slice(1);
  expect(told).toHaveLength(2);
  for (const [index, mode] of ['off', 'none'].entries()) {
    expect(told[index]).toMatch(/namespace=pay\b/);
    expect(told[index]).toContain(`identity-access is "${mode}"`);
  }
});

it('tells a listener nothing after it has unsubscribed', async () => {
  const { clock, informer, state } = stage([labelled('pay', 5)]);
  const told: string[] = [];
  informer.onView((name) => told.push(name))();
  state.isDenied = false;
  await clock.advance(10_000);
  expect(informer.viewOf('pay')?.labels).toEqual({ a: 'xxxxx' });
  expect(told).toEqual([]);
});
