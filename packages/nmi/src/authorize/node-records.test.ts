import {
  canonicalResourceId,
  distinctAssignedIdentityName,
  type AzureAssignedIdentity,
} from '@pod-identity/crd-types';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { binding, identity, pod, record, resourceIdOf } from '../../test/builders.ts';
import { createTransport, list } from '../../test/transport.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createClusterInformers, type ClusterInformerOptions } from './cluster-view.ts';

const reader = identity({ name: 'reader' });
const distinctName = distinctAssignedIdentityName({
  podNamespace: 'default',
  podName: 'web',
  identityName: 'reader',
  identityNamespace: 'default',
  podUid: 'uid-web',
});
/** Created this many seconds after the first record. */
const named = (name: string, second: number, of: AzureAssignedIdentity = record(reader, 'Assigned')) => ({
  ...of,
  metadata: {
    namespace: 'default',
    name,
    uid: name,
    resourceVersion: '1',
    creationTimestamp: `2026-01-01T00:00:0${second}Z`,
  },
});
const forged = named('forged', 0);
const stored = (object: { metadata: object }) => ({
  ...object,
  metadata: { ...object.metadata, uid: JSON.stringify(object.metadata), resourceVersion: '1' },
});

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

interface World {
  readonly pods?: readonly PodView[];
  readonly identities?: readonly object[];
  readonly records?: readonly object[];
  readonly options?: Partial<ClusterInformerOptions>;
  readonly podsSynced?: Promise<undefined>;
}

/** A share of this size holds one of these records. */
const oneRecord = 1_300;

const start = async ({ pods = [pod()], podsSynced = Promise.resolve(undefined), ...world }: World) => {
  const clock = createFakeClock();
  const objects: Readonly<Record<string, readonly object[]>> = {
    azureidentities: (world.identities ?? [reader]).map((one) => stored(one as { metadata: object })),
    azureidentitybindings: [binding('reader'), binding('writer', { namespace: 'shop' })].map(stored),
    azureassignedidentities: world.records ?? [],
  };
  const transport = createTransport(({ path }) => list(...(objects[path.split('/').at(-1) ?? ''] ?? [])));
  async function* watch(): AsyncGenerator<never> {
    await clock.sleep(45_000);
    yield* [];
  }
  const cluster = createClusterInformers({
    transport: { ...transport, watch },
    clock,
    random: () => 0,
    node: 'node-1',
    mode: 'standard',
    byNodeLabel: true,
    forceNamespaced: false,
    namespaceShareBytes: oneRecord,
    log: createLog({ component: 'nmi', destination: { write: () => undefined } }),
    pods: {
      synced: podsSynced,
      named: (namespace, name) => pods.find((one) => one.namespace === namespace && one.name === name),
    },
    ...world.options,
  });
  const stop = new AbortController();
  stops.push(stop);
  for (const informer of cluster.informers) void informer.run(stop.signal);
  await clock.advance(1);
  const kept = () => cluster.view.assignedOnNode(canonicalResourceId(resourceIdOf('reader')));
  const listed = () => transport.requests.filter(({ path }) => path.endsWith('assignedidentities')).length;
  return { ...cluster, clock, listed, kept: () => kept().map(({ key }) => key) };
};

describe('where a namespace has more records than its share holds', () => {
  it.each([
    ['plain', 'web-default-reader'],
    ['distinct', distinctName],
  ])(
    'the one that a pod of the node needs is kept, by its %s name, and an older one is not',
    async (_, name) => {
      const { kept, view } = await start({ records: [forged, named(name, 1)] });
      expect(kept()).toEqual([`default/${name}`]);
      expect(view.leavesOutRecords('default')).toBe(true);
    },
  );

  it('each of several that a pod needs goes before others', async () => {
    const writer = identity({ name: 'writer', namespace: 'shop', resourceID: resourceIdOf('reader') });
    const { kept } = await start({
      identities: [reader, writer],
      records: [forged, named('web-default-writer', 1, record(writer, 'Assigned'))],
    });
    expect(kept()).toEqual(['default/web-default-writer']);
  });

  it.each<[string, World]>([
    ['its pod is not on the node', { pods: [] }],
    ['its AzureIdentity is not known', { identities: [] }],
    ['its pod may not act as the identity', { pods: [pod({ labels: { aadpodidbinding: 'other' } })] }],
    ['it has a name that MIC does not give', { records: [forged, named('web-default-writer', 1)] }],
  ])('the oldest is kept: another one is not needed where %s', async (_, world) => {
    const { kept } = await start({ records: [forged, named('web-default-reader', 1)], ...world });
    expect(kept()).toEqual(['default/forged']);
  });

  it('counts the texts of a record', async () => {
    const long = record(reader, 'Assigned', { podNamespace: 'n'.repeat(600) });
    expect((await start({ records: [forged] })).view.leavesOutRecords('default')).toBe(false);
    expect((await start({ records: [named('long', 1, long)] })).view.leavesOutRecords('default')).toBe(true);
  });
});

it('records are listed once the pods of the node are known: which are needed is judged by them', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { clock, listed } = await start({ podsSynced: promise });
  expect(listed()).toBe(0);
  resolve(undefined);
  await clock.advance(1);
  expect(listed()).toBe(1);
});

describe('a record that a pod waits for', () => {
  const isListedAgain = async (world: World, name: string) => {
    const { clock, listed, lookForRecord } = await start(world);
    const before = listed();
    lookForRecord(name);
    await clock.advance(60_000);
    return listed() > before;
  };
  const records = [forged, named('other', 1)];

  it('is looked for with another list where records of its namespace are left out', async () => {
    expect(await isListedAgain({ records }, 'default/reader')).toBe(true);
  });

  it.each<[string, World, string]>([
    ['nothing is left out', { records: [forged] }, 'default/reader'],
    ['its AzureIdentity is not known', { records }, 'default/missing'],
    ['nobody writes records', { records, options: { mode: 'managed' } }, 'default/reader'],
  ])('is not looked for where %s', async (_, world, name) => {
    expect(await isListedAgain(world, name)).toBe(false);
  });
});
