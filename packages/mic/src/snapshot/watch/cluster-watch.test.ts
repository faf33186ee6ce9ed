import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { instanceOf, rawBinding, rawIdentity, rules } from '../../plan/test/builders.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { createFakeApi, paths, type RawObject } from './test/fake-api.ts';

const taint = 'aadpodidentity.k8s.io/nmi-not-ready';
const pod = ({
  name = 'web-0',
  uid = 'u',
  label = 'demo',
  node = 'node-0',
  phase = 'Running',
  ip = '',
} = {}) => ({
  metadata: {
    name,
    namespace: 'shop',
    uid,
    creationTimestamp: '2023-11-14T22:13:20Z',
    labels: { aadpodidbinding: label, app: 'web' },
  },
  spec: { nodeName: node, serviceAccountName: 'default' },
  status: { phase, podIP: ip },
});
const node = ({ name = 'node-0', uid = 'n', taints = [{ key: taint }], note = '' } = {}) => ({
  metadata: { name, uid, creationTimestamp: '2023-11-14T22:13:20Z', annotations: { note } },
  spec: { providerID: instanceOf('vmss1'), taints },
});
const everything: readonly [string, RawObject][] = [
  [paths.pods, pod()],
  [paths.nodes, node()],
  [paths.identities, rawIdentity()],
  [paths.bindings, rawBinding()],
];

async function setUp({ objects = everything, hanging = '' } = {}) {
  const clock = createFakeClock();
  const api = createFakeApi();
  const index = new ClusterIndex(rules);
  for (const [path, object] of objects) api.put(path, object);
  if (hanging !== '') api.hang(hanging);
  const view = createClusterWatch({
    transport: api.transport,
    index,
    clock,
    random: () => 0,
    log: createFakeLog(),
    startupTaint: taint,
  });
  void view.run(new AbortController().signal);
  await clock.advance(0);
  for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
  const put = async (path: string, object: RawObject) => {
    api.put(path, object);
    await clock.advance(0);
  };
  const remove = async (path: string, object: RawObject) => {
    api.remove(path, object);
    await clock.advance(0);
  };
  const dirty = () => [...index.dirtyHosts()].flatMap((host) => [...index.takeDirty(host)]);
  return { clock, api, index, view, put, remove, dirty };
}

describe('what is listed', () => {
  test('of pods is what asks for an identity, and nothing else', async () => {
    const { metadata, ...rest } = pod({ name: 'plain' });
    const plain = { ...rest, metadata: { ...metadata, labels: {} } };
    const { index, dirty, put } = await setUp({ objects: [[paths.pods, plain]] });
    await put(paths.pods, pod({ name: 'asks' }));
    expect(dirty()).toEqual(['shop/asks']);
    expect(index.pod('shop/plain')).toBeUndefined();
  });

  test('is not all there is while one kind is not listed', async () => {
    for (const hanging of Object.values(paths)) {
      const { view, clock } = await setUp({ hanging });
      let isSynced = false;
      void view.synced.then(() => (isSynced = true));
      await clock.advance(0);
      expect([view.hasSynced(), isSynced]).toEqual([false, false]);
    }
    const { view } = await setUp();
    await view.synced;
  });
});

describe('news', () => {
  test.each([
    ['its address', { ip: '10.0.0.1' }, []],
    ['its phase, still running', { phase: 'Pending' }, []],
    ['that it has ended', { phase: 'Succeeded' }, ['shop/web-0']],
    ['its node', { node: 'node-1' }, ['shop/web-0']],
    ['its label', { label: 'other' }, ['shop/web-0']],
    ['that it is another pod of the name', { uid: 'u2' }, ['shop/web-0']],
  ])('of a pod, %s: planned again only where that can matter', async (...[, change, planned]) => {
    const { put, dirty } = await setUp();
    await put(paths.pods, pod(change));
    expect(dirty()).toEqual(planned);
  });

  test('that an object is gone reaches the index, of each kind', async () => {
    const { remove, index } = await setUp();
    for (const [path, object] of everything) await remove(path, object);
    expect([index.pod('shop/web-0'), index.objects.identity('default/reader')]).toEqual([
      undefined,
      undefined,
    ]);
    expect(index.objects.binding('default/reader-binding')).toBeUndefined();
    expect(index.nodeHost('node-0').exists).toBe(false);
  });

  test('is told after the index has taken it in, of every kind, until the listener ends', async () => {
    const { view, index, put, remove } = await setUp({ objects: [] });
    const seen: boolean[] = [];
    const end = view.onChange(() => void seen.push(index.pod('shop/web-0') !== undefined));
    for (const [path, object] of everything) await put(path, object);
    expect(seen).toEqual([true, true, true, true]);
    end();
    await remove(paths.pods, pod());
    expect(seen).toHaveLength(4);
  });

  test('of pods and nodes is told with what it is about', async () => {
    const { view, put, remove } = await setUp({ objects: [] });
    const told: unknown[] = [];
    view.onPod((key, now) => told.push([key, now?.uid]));
    view.onNode((name) => told.push(name));
    await put(paths.pods, pod());
    await remove(paths.pods, pod());
    await put(paths.nodes, node());
    expect(told).toEqual([['shop/web-0', 'u'], ['shop/web-0', undefined], 'node-0']);
  });
});

test('each watch tells how long it has heard nothing', async () => {
  const { view, clock } = await setUp({ hanging: paths.nodes });
  await clock.advance(3_000);
  expect(Object.fromEntries(view.ages())).toEqual({
    pods: 3_000,
    nodes: Infinity,
    namespaces: 3_000,
    azureidentities: 3_000,
    azureidentitybindings: 3_000,
  });
});

test('reads what editors write in pages of 100: the API server makes a whole page of objects of up to 1.5 MB before it sends it', async () => {
  const { api } = await setUp();
  const limits = new Map(api.lists.map(({ path, query }) => [path, query?.['limit']]));
  const { pods, nodes, ...written } = paths;
  expect(limits.has('/apis/aadpodidentity.k8s.io/v1/azureassignedidentities')).toBe(false);
  expect(Object.values(written).map((path) => limits.get(path))).toEqual(['100', '100']);
  expect([pods, nodes].map((path) => limits.get(path))).toEqual(['500', '500']);
});
