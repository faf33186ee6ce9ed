import { KubeError } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { binding, exception, identity, patient, pod, resourceIdOf } from '../../test/builders.ts';
import { createTransport, list } from '../../test/transport.ts';
import { createClusterInformers, keepsAll, type ClusterInformerOptions } from './cluster-view.ts';

const reader = identity({ name: 'reader' });
const stored = <T extends { metadata: object }>(object: T) => ({
  ...object,
  metadata: { ...object.metadata, uid: JSON.stringify(object.metadata), resourceVersion: '1' },
});
const broken = {
  ...reader,
  metadata: { name: 'broken', namespace: 'default' },
  spec: { type: 0, resourceID: 'no' },
};
const selector = Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`k${at}${'x'.repeat(500)}`, 1]));
const manyFaults = {
  ...broken,
  metadata: { name: 'many-faults', namespace: 'default' },
  spec: { type: 1, allowedNamespaces: { selector } },
};
const misspelt = {
  ...exception({ app: 'csi' }, 'shop'),
  metadata: { name: 'broken', namespace: 'shop' },
  spec: { podLabels: { app: 'csi' }, clientIds: ['a'] },
};
const objects: Readonly<Record<string, readonly { metadata: object }[]>> = {
  azureidentities: [reader, broken, manyFaults],
  azureidentitybindings: [binding('reader'), binding('writer', { selector: 'other' })],
  azurepodidentityexceptions: [exception({ app: 'cni' }, 'shop'), misspelt],
  namespaces: [{ metadata: { name: 'bank' } }],
};

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const transportOf = (given: Readonly<Record<string, readonly { metadata: object }[]>>) =>
  createTransport(({ path }) => list(...(given[path.split('/').at(-1) ?? ''] ?? []).map(stored)));

const start = async (over: Partial<ClusterInformerOptions> = {}) => {
  const clock = createFakeClock();
  const transport = transportOf(objects);
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => void lines.push(line) } });
  const common = { transport, clock, random: () => 0, log };
  const cluster = createClusterInformers({
    ...common,
    ...over,
  });
  const before = cluster.view.revision;
  const stop = new AbortController();
  stops.push(stop);
  for (const informer of cluster.informers) void informer.run(stop.signal);
  await clock.advance(1);
  const { requests } = transport;
  return { ...cluster, clock, lines, before, requests };
};

it('finds bindings by selector, identities by name, exceptions by namespace', async () => {
  const { view, before } = await start();
  const bindings = view.bindingsWithSelector('demo');
  expect(bindings.namespaces).toEqual(['default']);
  expect(bindings.of('default').map(({ spec }) => spec.azureIdentity)).toEqual(['reader']);
  expect(bindings.of('shop')).toEqual([]);
  expect(view.identityOf('default', 'reader')?.spec.resourceID).toBe(resourceIdOf('reader'));
  expect(view.identityOf('default', 'missing')).toBeUndefined();
  expect(view.exceptionsIn('shop')).toHaveLength(1);
  expect(view.exceptionsIn('default')).toHaveLength(0);
  expect(view.revision).toBeGreaterThan(before);
});

it('an identity that is not valid is none, but it is known why', async () => {
  const { view } = await start();
  expect(view.identityOf('default', 'broken')).toBeUndefined();
  expect(view.faultOf('default', 'broken')).toContain('spec.resourceID');
  expect(view.faultOf('default', 'reader')).toBeUndefined();
  expect(view.faultOf('default', 'missing')).toBeUndefined();
});

it('of an identity that is not valid at most ten problems are told, and how many more there are', async () => {
  const { view } = await start();
  const fault = view.faultOf('default', 'many-faults') ?? '';
  expect(fault).toMatch(/^spec\.allowedNamespaces\.selector\.k0x.*; and 15 more$/);
  expect(fault.length).toBeLessThan(4_000);
});

it('an exception that is not valid does not count, but it is known which, why, and for which pods it is', async () => {
  const { view } = await start();
  expect(view.exceptionsIn('shop').map(({ metadata }) => metadata.name)).toEqual(['exception']);
  expect(view.invalidExceptionsIn('default')).toEqual([]);
  expect(view.invalidExceptionsIn('shop')).toEqual([
    {
      namespace: 'shop',
      name: 'broken',
      fault: expect.stringMatching(/^spec\.clientIds is not a field/) as string,
      podLabels: { app: 'csi' },
    },
  ]);
});

it('attack: no record can be forged where none is read: neither decisions nor readiness wait for any', async () => {
  const { informers, requests } = await start();
  expect(informers.map(({ plural }) => plural)).not.toContain('azureassignedidentities');
  expect(requests.filter(({ path }) => path.endsWith('azureassignedidentities'))).toEqual([]);
});

it('of a namespace over its sum the oldest of each kind count, and the number of such namespaces is told', async () => {
  const few = await start({ namespaceShareBytes: 100_000 });
  expect(few.informers.map((informer) => informer.fullNamespaces())).toEqual([0, 0, 0, 0]);
  const { informers } = await start({ namespaceShareBytes: 10 });
  expect(informers[1]?.fullNamespaces()).toBe(1);
  expect(informers[1]?.store.size).toBe(0);
});

it('reads each kind in pages of 100: the API server makes a whole page of objects of up to 1.5 MB before it sends it', async () => {
  const { requests } = await start();
  const pages = new Map(requests.map(({ path, query }) => [path.split('/').at(-1), query?.['limit']]));
  expect(pages).toEqual(new Map(Object.keys(objects).map((plural) => [plural, '100'])));
});

it('lists again by the version that it knows: an API server need not read its database for each node', async () => {
  const lists = createTransport(() => list());
  const expiredOnce = new Set<string>();
  const { clock } = await start({
    transport: {
      ...lists,
      watch(request) {
        if (expiredOnce.has(request.path)) return lists.watch(request);
        expiredOnce.add(request.path);
        return expired();
      },
    },
  });
  await clock.advance(60_000);
  const versions = Map.groupBy(lists.requests, ({ path }) => path.split('/').at(-1));
  expect(versions.size).toBe(4);
  for (const requests of versions.values())
    expect(requests.map(({ query }) => query?.['resourceVersion'])).toEqual(
      expect.arrayContaining([undefined, '1']),
    );
});

it('says of each kind that it cannot be listed', async () => {
  const transport = createTransport(({ path }) => {
    if (path.endsWith('azureidentities')) throw new KubeError('denied', 'no', { status: 403 });
    return list();
  });
  const { lines } = await start({ transport });
  expect(lines.join('')).toMatch(/AzureIdentity\b/);
  expect(lines.join('')).not.toMatch(/AzureIdentityBinding/);
});

it('keeps the annotations of an identity, which decide on its behaviour, and nothing of its status', async () => {
  const namespaced = identity({ name: 'namespaced', isNamespaced: true });
  const transport = transportOf({ azureidentities: [reader, { ...namespaced, status: { conditions: [] } }] });
  const { view } = await start({ transport });
  expect(view.identityOf('default', 'namespaced')?.metadata).toStrictEqual({
    name: 'namespaced',
    namespace: 'default',
    annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' },
  });
  expect(view.identityOf('default', 'reader')?.metadata).toStrictEqual({
    name: 'reader',
    namespace: 'default',
  });
  expect(view.identityOf('default', 'namespaced')?.status).toBeUndefined();
});

it('finds bindings for pods of other namespaces only where an identity is open to some', async () => {
  const spec = { allowedNamespaces: { names: ['shop'] } };
  const transport = transportOf({
    azureidentities: [identity({ name: 'open', namespace: 'data', spec }), reader],
    azureidentitybindings: [binding('open', { namespace: 'data' }), binding('reader')],
  });
  const { view } = await start({ transport });
  expect(view.bindingsWithSelector('demo').namespaces.toSorted()).toEqual(['data', 'default']);
  const reaching = view.bindingsReachingOut('demo');
  expect(reaching.namespaces).toEqual(['data']);
  expect(reaching.of('data').map(({ metadata }) => metadata.name)).toEqual(['open-binding']);
});

it('knows in which namespaces bindings select pods without the label', async () => {
  const broad = binding('reader', { namespace: 'shop' });
  const selecting = { ...broad, spec: { ...broad.spec, selector: '', serviceAccountName: 'web' } };
  const { view } = await start({
    transport: transportOf({ azureidentitybindings: [selecting, binding('reader')] }),
  });
  expect([view.selectsUnlabelled('shop'), view.selectsUnlabelled('default')]).toEqual([true, false]);
});

it.each([
  [false, 'namespace', true],
  [false, 'warn', true],
  [false, 'rbac', false],
  [true, 'namespace', false],
  [true, 'rbac', false],
] as const)(
  'with --forceNamespaced=%s in mode %s objects of all namespaces are kept: %s',
  (forceNamespaced, identityAccess, isAll) => {
    expect(keepsAll({ forceNamespaced, identityAccess })).toBe(isAll);
  },
);

it('with the pods of the node given keeps the objects of their namespaces alone; without, those of all', async () => {
  const all = await start();
  expect(all.nodeNamespaces.whenRead('bank', patient)).toBe(true);
  expect(all.view.identityOf('default', 'reader')).toBeDefined();
  const ofNode = {
    store: { values: () => [pod({ namespace: 'shop' })].values() },
    synced: Promise.resolve(),
    onChange: () => () => undefined,
  };
  const { nodeNamespaces, view, clock } = await start({ onlyFor: ofNode });
  await clock.advance(1_000);
  expect(nodeNamespaces.whenRead('shop', patient)).toBe(true);
  expect(nodeNamespaces.whenRead('bank', patient)).toBeInstanceOf(Promise);
  expect(view.identityOf('default', 'reader')).toBeUndefined();
});

/** A watch that the API server ends because the resource version is too old. */
async function* expired(): AsyncGenerator<never> {
  await Promise.resolve();
  yield* [];
  throw new KubeError('gone', 'too old', { status: 410 });
}
