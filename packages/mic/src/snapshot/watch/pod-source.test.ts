import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { rawIdentity, rules } from '../../plan/test/builders.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { createClusterWatch } from './cluster-watch.ts';
import type { LabelLimits } from './label-memory.ts';
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

interface Setting {
  readonly hanging?: string;
  readonly bindings?: readonly ReturnType<typeof binding>[];
  readonly labels?: LabelLimits;
  readonly startMs?: number;
}

async function setUp({ hanging = '', bindings = [], labels, startMs }: Setting = {}) {
  const clock = createFakeClock();
  const log = createFakeLog();
  const api = createFakeApi();
  const index = new ClusterIndex({ ...rules, forceNamespaced: true });
  const answer = hanging === '' ? undefined : api.hang(hanging);
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
    log,
    startMs,
    ...(labels && { limits: { own: 32, few: 16, pauseMs: 120_000, labels } }),
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
    /** Puts a pod and a binding by podSelector into another namespace. */
    inMail: async (labels: Readonly<Record<string, string>>) => {
      const inMail = <T extends { readonly metadata: object }>(one: T) => {
        const metadata = { ...one.metadata, namespace: 'mail' } as T['metadata'];
        return { ...one, metadata };
      };
      api.put('/api/v1/namespaces/mail/pods', inMail(pod('other', labels)));
      api.put(paths.bindings, inMail(binding('in-mail', byApp.spec)));
      await clock.advance(0);
    },
    remove: async (one: ReturnType<typeof pod>) => {
      for (const path of [inShop, paths.pods]) api.remove(path, one);
      await clock.advance(0);
    },
    listed: () => api.lists.filter(({ path }) => path === inShop).length,
    matched: (name: string) => {
      const known = index.pod(`shop/${name}`);
      return known && index.matchSetOf(known).matches.map((one) => one.binding.metadata.name);
    },
    newsSince: () => news,
    /** For the lists that hang. */
    answer: async () => {
      answer?.();
      await clock.advance(0);
    },
    log,
    advance: (ms: number) => clock.advance(ms),
    pending: () => clock.pending,
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

test('pods with the label that have come and gone are forgotten while a binding selects by podSelector', async () => {
  const { view, bind, unbind, change, remove } = await setUp();
  await bind(byApp);
  for (let number = 0; number < 100; number += 1) {
    const one = pod(`job-${number}`, { aadpodidbinding: 'demo' });
    await change(one);
    await remove(one);
  }
  const told: string[] = [];
  view.onPod((key) => told.push(key));
  await unbind(byApp);
  expect(told.sort()).toEqual(['shop/labelled', 'shop/unlabelled']);
});

test('a pod whose labels have no room is not selected by them, which is counted and logged', async () => {
  const labels = { ofNamespace: 1000, inAll: 2000 };
  const { view, index, change, matched, log } = await setUp({ bindings: [byApp], labels });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await change(pod(name, { app: 'web', name }));
  expect([matched('a'), matched('e')]).toEqual([[], []]);
  expect(index.pod('shop/e')?.labelsLeftOut).toBe(true);
  expect(view.labelsLeftOut()).toBe(6);
  expect(JSON.stringify(log.lines).split('no room for the labels')).toHaveLength(2);
});

test('when all is full, a namespace with less gets room from the one that has the most, whose pod is not selected any more', async () => {
  const labels = { ofNamespace: 1200, inAll: 1200 };
  const { view, index, matched, inMail } = await setUp({ bindings: [byApp], labels });
  expect([matched('labelled'), matched('unlabelled')]).toEqual([['by-app'], ['by-app']]);
  await inMail({ app: 'web' });
  expect([matched('labelled'), matched('unlabelled')]).toEqual([['by-app'], []]);
  expect(index.pod('mail/other')?.labels).toEqual({ app: 'web' });
  expect(view.labelsLeftOut()).toBe(1);
});

test('a binding that is created and deleted all the time causes one list of its namespace', async () => {
  const { bind, unbind, listed, matched, change } = await setUp();
  for (let round = 0; round < 50; round += 1) {
    await bind(byApp);
    expect([matched('labelled'), matched('unlabelled')]).toEqual([['by-app'], ['by-app']]);
    await unbind(byApp);
    expect([matched('labelled'), matched('unlabelled')]).toEqual([[], undefined]);
  }
  expect(listed()).toBe(1);
  await change(pod('unlabelled', { app: 'api' }));
  await change(pod('new', { app: 'web' }));
  await bind(byApp);
  expect([matched('unlabelled'), matched('new')]).toEqual([[], ['by-app']]);
});

test('a namespace without such bindings is not watched any more after a minute', async () => {
  const { bind, unbind, listed, advance } = await setUp();
  await bind(byApp);
  await unbind(byApp);
  await advance(60_000);
  await bind(byApp);
  expect(listed()).toBe(2);
});

test('MIC begins without a namespace whose pods it cannot list within 30 s, says which, and takes it in when they are listed', async () => {
  const plain = binding('plain', { selector: 'demo' });
  const { view, index, log, matched, advance, answer, newsSince } = await setUp({
    hanging: inShop,
    bindings: [byApp, plain],
  });
  await advance(29_999);
  expect([view.hasSynced(), index.unlisted.has('shop')]).toEqual([false, false]);
  await advance(1);
  expect([view.hasSynced(), index.unlisted.has('shop')]).toEqual([true, true]);
  await expect(view.synced).resolves.toBeUndefined();
  const [line] = log.lines.filter(({ message }) => message.includes('MIC goes on without them'));
  expect(line?.fields).toMatchObject({ namespaces: 1, names: 'shop', waitedMs: 30_000 });
  expect(view.coverage()).toEqual({ namespace: 0, cluster: 0, none: 1 });
  const before = newsSince();
  await answer();
  expect([index.unlisted.has('shop'), matched('unlabelled')]).toEqual([false, ['by-app']]);
  expect(newsSince()).toBeGreaterThan(before);
});

test('a namespace that MIC has begun without is known when its last binding that needs all pods is gone', async () => {
  const { index, matched, advance, unbind, bind, newsSince } = await setUp({
    hanging: inShop,
    bindings: [byApp],
  });
  await bind(binding('plain', { selector: 'demo' }));
  await advance(30_000);
  const before = newsSince();
  await unbind(byApp);
  expect([index.unlisted.has('shop'), matched('labelled')]).toEqual([false, ['plain']]);
  expect(newsSince()).toBeGreaterThan(before);
});

test('a command waits until all is known', async () => {
  const { view, advance, answer, pending } = await setUp({
    hanging: inShop,
    bindings: [byApp],
    startMs: Infinity,
  });
  const before = pending();
  await advance(3_600_000);
  expect([view.hasSynced(), pending() - before]).toEqual([false, 0]);
  await answer();
  expect(view.hasSynced()).toBe(true);
});

test('an end before the 30 s are over leaves no timer', async () => {
  const { end, pending, log } = await setUp({ hanging: inShop, bindings: [byApp] });
  await end();
  expect(pending()).toBe(0);
  expect(log.lines.filter(({ message }) => message.includes('goes on without'))).toEqual([]);
});
