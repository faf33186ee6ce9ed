// An editor of one namespace may create AzureAssignedIdentities there. MIC keeps a share of them, and all that it needs.
import { assignedIdentityName, distinctAssignedIdentityName } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { instanceOf, rawBinding, rawIdentity, rules } from '../../plan/test/builders.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { createFakeApi, paths } from './test/fake-api.ts';

const flood = 2_000;
const shareBytes = 128 * 1024;
const pod = (name = 'web-0') => ({
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels: { aadpodidbinding: 'demo' } },
  spec: { nodeName: 'node-0', serviceAccountName: 'default' },
  status: { phase: 'Running' },
});
const node = { metadata: { name: 'node-0' }, spec: { providerID: instanceOf('vmss1') } };

interface Draft {
  readonly name: string;
  readonly of?: string;
  readonly namespace?: string;
  readonly created?: number;
}
/** Equal to MIC's own records. Younger records are kept last. */
const record = ({ name, of = 'web-0', namespace = 'default', created = flood }: Draft) => ({
  metadata: { name, namespace, uid: name, creationTimestamp: new Date(created * 1000).toISOString() },
  spec: {
    azureIdentityRef: rawIdentity(),
    azureBindingRef: rawBinding(),
    pod: of,
    podNamespace: 'shop',
    nodename: 'node-0',
  },
  status: { status: 'Assigned' },
});
const forged = (namespace = 'default') =>
  Array.from({ length: flood }, (_, n) =>
    record({ name: `forged-${n}`, of: `p-${n}`, namespace, created: n }),
  );
const parts = (podName: string) => ({ podNamespace: 'shop', podName, identityName: 'reader' });
const plain = (podName = 'web-0') => assignedIdentityName(parts(podName));
const distinct = distinctAssignedIdentityName({
  ...parts('web-0'),
  identityNamespace: 'default',
  podUid: 'uid-web-0',
});

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

async function setUp(records: readonly ReturnType<typeof record>[], pods = [pod()]) {
  const clock = createFakeClock();
  const api = createFakeApi();
  const index = new ClusterIndex(rules);
  const ending = new AbortController();
  ends.push(() => ending.abort());
  api.put(paths.nodes, node);
  for (const one of pods) api.put(paths.pods, one);
  api.put(paths.identities, rawIdentity());
  api.put(paths.bindings, rawBinding());
  for (const one of records) api.put(paths.assigned, one);
  const log = createFakeLog();
  const view = createClusterWatch({
    transport: api.transport,
    index,
    clock,
    random: () => 0,
    log,
    namespaceShareBytes: shareBytes,
  });
  void view.run(ending.signal);
  await view.synced;
  const kept = () =>
    records.filter(({ metadata: { namespace, name } }) => index.assigned(`${namespace}/${name}`));
  return { api, clock, index, log, view, kept };
}

test('of 2,000 records that an editor made no more are kept than a share holds', async () => {
  const { kept, index } = await setUp(forged());
  expect(kept().length).toBeGreaterThan(20);
  expect(kept().length * 1_000).toBeLessThan(shareBytes);
  expect(kept().map(({ metadata }) => metadata.name)).toContain('forged-0');
  expect([
    index.leftOutBy.of('AzureAssignedIdentity', 'default'),
    index.leftOutBy.of('AzureAssignedIdentity', 'shop'),
  ]).toEqual([true, false]);
});

test.each([plain(), distinct])(
  'what MIC wrote is kept, however many older ones there are: %s',
  async (name) => {
    const { index } = await setUp([...forged(), record({ name })]);
    expect(index.assignedOf('shop/web-0').map((view) => view.name)).toEqual([name]);
  },
);

test('what MIC writes meanwhile is kept as well, however many records it needs', async () => {
  const pods = Array.from({ length: 300 }, (_, n) => pod(`web-${n}`));
  const { api, clock, index } = await setUp(forged(), pods);
  const own = pods.map(({ metadata }) => record({ name: plain(metadata.name), of: metadata.name }));
  for (const one of own) {
    api.put(paths.assigned, one);
    await clock.advance(0);
  }
  expect(
    own.map(({ metadata }) => metadata.name).filter((name) => !index.assigned(`default/${name}`)),
  ).toEqual([]);
});

test.each([
  { what: 'that is not there', pods: [] },
  { what: 'that is finished', pods: [{ ...pod(), status: { phase: 'Succeeded' } }] },
  {
    what: 'without a ServiceAccount',
    pods: [{ ...pod(), spec: { nodeName: 'node-0', serviceAccountName: '' } }],
  },
  { what: 'without a node', pods: [{ ...pod(), spec: { nodeName: '', serviceAccountName: 'default' } }] },
])('a record under the name of a pod $what counts like any other', async ({ pods }) => {
  const { index } = await setUp([...forged(), record({ name: plain() })], pods);
  expect(index.assigned(`default/${plain()}`)).toBeUndefined();
});

test('a record of another namespace under a name that MIC would give counts like any other', async () => {
  const { index } = await setUp([...forged('hostile'), record({ name: plain(), namespace: 'hostile' })]);
  expect(index.assigned(`hostile/${plain()}`)).toBeUndefined();
});

test('the flood of one namespace leaves out nothing of another', async () => {
  const { index } = await setUp([...forged('hostile'), record({ name: 'any-name', of: 'gone' })]);
  expect(index.assigned('default/any-name')).toBeDefined();
});
