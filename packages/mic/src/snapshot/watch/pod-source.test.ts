import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { rawIdentity, rules } from '../../plan/test/builders.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { createLabelRoom } from './label-room.ts';
import { createFakeApi, paths } from './test/fake-api.ts';

const inShop = '/api/v1/namespaces/shop/pods';

function pod(name: string, labels: Readonly<Record<string, string>>, phase = 'Running') {
  const metadata = { name, namespace: 'shop', uid: name, labels };
  return { metadata, spec: { nodeName: 'node-0', serviceAccountName: 'front' }, status: { phase } };
}

function binding(name: string, spec: object) {
  return {
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentityBinding',
    metadata: { name, namespace: 'shop' },
    spec: { azureIdentity: 'reader', ...spec },
  };
}

const byApp = binding('by-app', { podSelector: { matchLabels: { app: 'web' } } });
const labelled = pod('labelled', { aadpodidbinding: 'demo', app: 'web' });
const unlabelled = pod('unlabelled', { app: 'web' });

async function setUp({ hanging = '', bindings = [] as ReturnType<typeof binding>[] } = {}) {
  const clock = createFakeClock();
  const api = createFakeApi();
  const index = new ClusterIndex({ ...rules, forceNamespaced: true });
  if (hanging !== '') api.hang(hanging);
  const put = (one: ReturnType<typeof pod>) => {
    for (const path of [paths.pods, inShop]) api.put(path, one);
  };
  [labelled, unlabelled].forEach(put);
  api.put(paths.identities, rawIdentity({ namespace: 'shop' }));
  for (const one of bindings) api.put(paths.bindings, one);
  const view = createClusterWatch({
    transport: api.transport,
    index,
    clock,
    random: () => 0,
    log: createFakeLog(),
  });
  let news = 0;
  view.onChange(() => (news += 1));
  const end = new AbortController();
  const ended = view.run(end.signal);
  await clock.advance(0);
  return {
    view,
    index,
    bind: async (one: ReturnType<typeof binding>) => {
      api.put(paths.bindings, one);
      await clock.advance(0);
    },
    unbind: async (one: ReturnType<typeof binding>) => {
      api.remove(paths.bindings, one);
      await clock.advance(0);
    },
    change: async (one: ReturnType<typeof pod>) => {
      put(one);
      await clock.advance(0);
    },
    listed: () => api.lists.filter(({ path }) => path === inShop).length,
    matched: (name: string) => {
      const known = index.pod(`shop/${name}`);
      return known && index.matchSetOf(known).matches.map((one) => one.binding.metadata.name);
    },
    newsSince: () => news,
    end: () => {
      end.abort();
      return ended;
    },
  };
}

test('pods without the label are not asked for where bindings go by the label and the ServiceAccount', async () => {
  const bySelector = binding('by-label', { selector: 'demo', serviceAccountName: 'front' });
  const { listed, matched } = await setUp({ bindings: [bySelector] });
  expect(listed()).toBe(0);
  expect(matched('labelled')).toEqual(['by-label']);
  expect(matched('unlabelled')).toBeUndefined();
});

test('a binding selects pods without the label, and what it selects ends with it', async () => {
  const { bind, unbind, matched, listed } = await setUp();
  await bind(byApp);
  expect(listed()).toBe(1);
  expect([matched('labelled'), matched('unlabelled')]).toEqual([['by-app'], ['by-app']]);
  await unbind(byApp);
  expect([matched('labelled'), matched('unlabelled')]).toEqual([[], undefined]);
});

test('pods are followed: their labels, their end, and new ones', async () => {
  const { change, matched } = await setUp({ bindings: [byApp] });
  await change(pod('unlabelled', { app: 'api' }));
  await change(pod('new', { app: 'web' }));
  expect([matched('unlabelled'), matched('new')]).toEqual([[], ['by-app']]);
  await change(pod('new', { app: 'web' }, 'Succeeded'));
  expect(matched('new')).toBeUndefined();
});

test('nothing is known before the pods are listed that a binding may select', async () => {
  const { view, matched } = await setUp({ bindings: [byApp], hanging: inShop });
  expect(view.hasSynced()).toBe(false);
  expect(matched('labelled')).toEqual([]);
});

test('a binding that asks for more than before gives what it gave until the labels of its pods are known', async () => {
  const before = binding('by-app', { selector: 'demo' });
  const { bind, matched, view } = await setUp({ bindings: [before], hanging: inShop });
  await bind(binding('by-app', { selector: 'demo', podSelector: { matchLabels: { app: 'web' } } }));
  expect(matched('labelled')).toEqual(['by-app']);
  expect(view.hasSynced()).toBe(true);
});

test('who listens is told after the binding counts', async () => {
  const { bind, newsSince, index } = await setUp();
  const before = newsSince();
  for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
  await bind(byApp);
  expect(newsSince()).toBeGreaterThan(before);
  expect([...index.dirtyHosts()].flatMap((host) => [...index.takeDirty(host)])).toEqual(
    expect.arrayContaining(['shop/labelled', 'shop/unlabelled']),
  );
});

test('everything ends with the watch', async () => {
  const { bind, unbind, end } = await setUp();
  await bind(byApp);
  await unbind(byApp);
  await bind(byApp);
  await expect(end()).resolves.toBeUndefined();
});

test('labels of a namespace beyond its room are not kept, and those that go make room', () => {
  const room = createLabelRoom({ ofNamespace: 50, inAll: 120 });
  const of = (namespace: string, name: string) => ({
    namespace,
    name,
    uid: name,
    nodeName: '',
    bindingLabel: '',
    serviceAccount: 'default',
    finished: false,
    createdAt: 0,
    labels: { app: 'x'.repeat(20) },
  });
  const isKept = (namespace: string, name: string) => room.fit(of(namespace, name))?.labels !== undefined;
  expect([isKept('shop', 'a'), isKept('shop', 'b'), isKept('shop', 'a')]).toEqual([true, false, true]);
  room.leave('shop', 'a');
  expect([isKept('shop', 'b'), isKept('mail', 'a'), isKept('data', 'a'), isKept('more', 'a')]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
