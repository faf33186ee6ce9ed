import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
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

const stage = (items: readonly object[]) => {
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

const labelled = (name: string, length: number, uid = name) => ({
  metadata: { name, uid, resourceVersion: uid, labels: { a: 'x'.repeat(length) } },
});

it('knows the labels of a Namespace that is created again under its name, and none of a deleted one', async () => {
  const { clock, informer, state } = stage([labelled('pay', 5), labelled('shop', 5)]);
  state.events = [
    { type: 'MODIFIED', object: labelled('pay', 3, 'another') },
    { type: 'DELETED', object: labelled('shop', 5) },
  ];
  state.isDenied = false;
  const before = informer.store.revision;
  await clock.advance(10_000);
  expect(informer.store.get('pay')).toMatchObject({ labels: { a: 'xxx' } });
  expect(informer.store.get('shop')).toBeUndefined();
  expect(informer.store.revision).toBeGreaterThan(before);
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
