import type { KubeRequest } from '@pod-identity/kit/kube';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '@pod-identity/sim';
import { identityId, own, scaleSetId, setStage, stateOf, type Stage, type StageOptions } from './stage.ts';

let stage: Stage;
const enter = async (options: StageOptions) => (stage = await setStage(options));
afterEach(() => stage.close());

const oneScaleSet = { scaleSets: [{ name: 'vmss1', instances: 2 }] };
const named = (name: string) => stage.assigned().find((object) => object.metadata.name === name);
const clientIdIn = (object: KubeObject | undefined) =>
  (object?.['spec'] as { azureIdentityRef: { spec: { clientID?: string } } } | undefined)?.azureIdentityRef
    .spec.clientID;

/** An identity and its binding, both with the name of the selector. */
async function bind(selector: string, namespace = 'default') {
  await stage.town.binding({ namespace, name: `${selector}-binding`, identity: selector, selector });
  return stage.town.identity({ namespace, name: selector });
}
const put = (path: string, change: object) => stage.town.client.request('PATCH', path, change);
const identityPath = (name: string, namespace = 'default') =>
  `/apis/aadpodidentity.k8s.io/v1/namespaces/${namespace}/azureidentities/${name}`;

test('C36 a labelled pod gets one object, Assigned, with its pod, node, binding and identity', async () => {
  const { town, sim } = await enter(oneScaleSet);
  const identity = await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);

  const [object] = stage.assigned();
  const node = town.nodes[0]!.name;
  expect(object).toMatchObject({
    metadata: { name: 'pod1-default-app', namespace: 'default', labels: { nodename: node } },
    spec: {
      azureIdentityRef: {
        kind: 'AzureIdentity',
        metadata: { name: 'app' },
        spec: { clientID: identity.clientId },
      },
      azureBindingRef: { kind: 'AzureIdentityBinding', metadata: { name: 'app-binding' } },
      pod: 'pod1',
      podNamespace: 'default',
      nodename: node,
    },
  });
  expect(object?.metadata.ownerReferences).toMatchObject([{ kind: 'Pod', name: 'pod1' }]);
  expect(object?.metadata.finalizers).toBeUndefined();
  expect(sim.azure.world.attachedTo(scaleSetId('vmss1'))).toEqual([identityId('app').toLowerCase()]);
  expect(stage.patches()).toBe(1);
  expect(stage.writes('azureassignedidentities')).toBe(1);

  await stage.remove('pods', 'pod1');
  await stage.until(() => stage.assigned().length === 0);
  await sim.azure.world.until(() => stage.attached('vmss1').length === 0);
  expect(stage.writes('azureassignedidentities')).toBe(2);
});

test('an identity that no pod needs any more becomes NotInUse before the next resync', async () => {
  const { town, sim } = await enter(oneScaleSet);
  const reason = () => {
    const { conditions = [] } = (sim.kube.get('azureidentities', 'app', 'default')?.['status'] ?? {}) as {
      conditions?: readonly { reason: string }[];
    };
    return conditions[0]?.reason;
  };
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic({ rules: { detachGraceMs: 2_000 } });
  await stage.until(() => reason() === 'Attached');
  await stage.remove('pods', 'pod1');
  await sim.azure.world.until(() => stage.attached('vmss1').length === 0);
  await stage.until(() => reason() === 'NotInUse');
});

test('C36 while Azure fails, the object is Created, and Assigned as soon as Azure works', async () => {
  const { town, sim } = await enter(oneScaleSet);
  const outage = sim.azure.faults.add({
    match: { service: 'arm', method: 'PATCH' },
    then: { status: 429, body: {}, headers: { 'retry-after': '60' } },
  });
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.until(() => stage.states().join() === 'pod1-default-app: Created');
  outage.remove();
  stage.warp(61_000);
  await stage.allAssigned(1);
});

test('C37 changes of an identity are applied to its objects, and a pod that moved gets a new label', async () => {
  const { town, sim } = await enter({
    scaleSets: [
      { name: 'vmss1', instances: 1 },
      { name: 'vmss2', instances: 1 },
    ],
  });
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);

  const other = sim.azure.world.addIdentity({ resourceId: identityId('other') });
  await put(identityPath('app'), { spec: { resourceID: other.resourceId, clientID: other.clientId } });
  await town.identity({ name: 'second' });
  await town.binding({ name: 'second-binding', identity: 'second', selector: 'app' });
  await stage.until(() => clientIdIn(named('pod1-default-app')) === other.clientId);
  await stage.allAssigned(2);
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'other,second');

  await stage.remove('pods', 'pod1');
  await town.pod({ name: 'pod1', label: 'app', node: 'vmss2-0' });
  await stage.until(() => named('pod1-default-app')?.metadata.labels?.['nodename'] === 'vmss2-0');
  await stage.allAssigned(2);
  expect(stage.attached('vmss2')).toEqual(['other', 'second']);
});

test('C38 simultaneous additions, updates and deletions are all applied', async () => {
  const { town, sim } = await enter(oneScaleSet);
  for (const position of [0, 1, 2]) {
    await bind(`app${position}`);
    await town.pod({ name: `pod${position}`, label: `app${position}` });
  }
  await stage.startMic();
  await stage.allAssigned(3);

  const other = sim.azure.world.addIdentity({ resourceId: identityId('other') });
  await Promise.all([
    put(identityPath('app0'), { spec: { resourceID: other.resourceId, clientID: other.clientId } }),
    town.identity({ name: 'new' }),
    town.binding({ name: 'new-binding', identity: 'new', selector: 'app2' }),
    stage.remove('pods', 'pod1'),
  ]);
  await stage.until(
    () => named('pod2-default-new') !== undefined && named('pod1-default-app1') === undefined,
  );
  await stage.until(() => clientIdIn(named('pod0-default-app0')) === other.clientId);
  await stage.allAssigned(3);
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'app2,new,other');
});

test('C39 changes during MIC’s absence are applied after its restart', async () => {
  const { town, sim } = await enter(oneScaleSet);
  for (const position of [1, 2, 3]) await bind(`app${position}`);
  for (const position of [1, 2]) await town.pod({ name: `pod${position}`, label: `app${position}` });
  const first = await stage.startMic();
  await stage.allAssigned(2);
  await first.stop();

  await stage.remove('pods', 'pod1');
  await stage.remove('pods', 'pod2');
  await town.pod({ name: 'pod3', label: 'app3' });
  await stage.startMic();
  await stage.until(() => stage.states().join() === 'pod3-default-app3: Assigned');
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'app3');
});

describe('a scale set is one host', () => {
  const twoSets = {
    scaleSets: [
      { name: 'vmss1', instances: 2 },
      { name: 'vmss2', instances: 1 },
    ],
  };

  test('C40 E11 an identity stays on it as long as a pod on any of its nodes needs it', async () => {
    const { town, sim } = await enter(twoSets);
    await bind('app');
    for (const node of ['vmss1-0', 'vmss1-1', 'vmss2-0'])
      await town.pod({ name: `pod-${node}`, label: 'app', node });
    await stage.startMic();
    await stage.allAssigned(3);
    expect([stage.attached('vmss1'), stage.attached('vmss2')]).toEqual([['app'], ['app']]);

    await stage.remove('pods', 'pod-vmss1-0');
    await stage.allAssigned(2);
    expect(stage.attached('vmss1')).toEqual(['app']);
    await stage.remove('pods', 'pod-vmss1-1');
    await sim.azure.world.until(() => stage.attached('vmss1').length === 0);
    expect(sim.azure.world.host(scaleSetId('vmss1')).identity.type).toBe('None');
    expect(stage.attached('vmss2')).toEqual(['app']);
  });

  test('C47 E15 an immutable identity stays after its last pod, its objects do not', async () => {
    const { town, sim } = await enter(twoSets);
    const identity = await bind('app');
    await bind('witness');
    for (const label of ['app', 'witness']) await town.pod({ name: `pod-${label}`, label });
    await stage.startMic({ rules: { immutableClientIds: new Set([identity.clientId.toLowerCase()]) } });
    await stage.allAssigned(2);
    await stage.remove('pods', 'pod-app');
    await stage.remove('pods', 'pod-witness');
    await sim.azure.world.until(() => !stage.attached('vmss1').includes('witness'));
    expect(stage.attached('vmss1')).toEqual(['app']);
    expect(stage.assigned()).toEqual([]);
  });
});

test('C41 ours: an object is deleted with its pod at once, although Azure fails; the identity is detached when Azure works', async () => {
  const { town, sim } = await enter(oneScaleSet);
  for (const position of [1, 2]) await bind(`app${position}`);
  await town.pod({ name: 'pod1', label: 'app1' });
  await stage.startMic();
  await stage.allAssigned(1);
  const outage = sim.azure.faults.add({
    match: { service: 'arm', method: 'PATCH' },
    then: { status: 503, body: {}, headers: { 'retry-after': '30' } },
  });
  await stage.remove('pods', 'pod1');
  await town.pod({ name: 'pod2', label: 'app2' });
  await stage.until(() => stage.states().join() === 'pod2-default-app2: Created');
  expect(stage.attached('vmss1')).toEqual(['app1']);
  outage.remove();
  stage.warp(11 * 60_000);
  await stage.until(() => stage.states().join() === 'pod2-default-app2: Assigned');
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'app2');
});

test('C42 forceNamespaced: same names in two namespaces serve the pods of their own namespace', async () => {
  const { town } = await enter({ ...oneScaleSet, namespaces: ['blue', 'green'] });
  for (const namespace of ['blue', 'green']) {
    const { resourceId } = stage.sim.azure.world.addIdentity({ resourceId: identityId(`app-${namespace}`) });
    await town.identity({ namespace, name: 'app', resourceId });
    await town.binding({ namespace, name: 'app-binding', identity: 'app', selector: 'app' });
    await town.pod({ namespace, name: 'pod', label: 'app' });
  }
  await stage.startMic({ forceNamespaced: true });
  await stage.allAssigned(2);
  const places = stage.assigned().map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
  expect(places.sort()).toEqual(['blue/pod-blue-app', 'green/pod-green-app']);
});

test('C43 a failed removal is retried without a new event', async () => {
  const { town, sim } = await enter(oneScaleSet);
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);
  const failure = sim.azure.faults.add({
    match: { service: 'arm', method: 'PATCH' },
    times: 1,
    then: { status: 429, body: {}, headers: { 'retry-after': '1' } },
  });
  await stage.remove('pods', 'pod1');
  await sim.azure.world.until(() => stage.attached('vmss1').length === 0);
  expect(failure.fired).toBe(1);
});

test('C44 objects of deleted nodes are deleted and delay no others', async () => {
  const { town } = await enter({ nodes: 10 });
  await bind('app');
  for (const { name } of town.nodes) await town.pod({ name: `pod-${name}`, label: 'app', node: name });
  await stage.startMic();
  await stage.allAssigned(10);
  for (const { name } of town.nodes.slice(0, 5)) {
    await town.client.request('DELETE', `/api/v1/nodes/${name}`);
    await stage.remove('pods', `pod-${name}`);
  }
  await town.pod({ name: 'late', label: 'app', node: 'node10' });
  await stage.until(
    () => stage.assigned().length === 6 && stage.assigned().every((object) => stateOf(object) === 'Assigned'),
  );
});

test('C48 E10 a refused identity affects no others, and is accepted later without a new event', async () => {
  const { town, sim } = await enter(oneScaleSet);
  const bad = await bind('bad');
  await bind('good');
  sim.azure.world.deleteIdentity(bad.resourceId);
  await town.pod({ name: 'pod1', label: 'bad' });
  await town.pod({ name: 'pod2', label: 'good' });
  const mic = await stage.startMic();
  await stage.until(() => stage.states().join() === 'pod1-default-bad: Created,pod2-default-good: Assigned');
  await stage.until((kube) => kube.list('events').some((event) => event['reason'] === 'IdentityRejected'));
  expect(await mic.metrics()).toContain('aadpodidentity_mic_quarantined_identities 1');

  sim.azure.world.addIdentity({ resourceId: bad.resourceId });
  stage.warp(5 * 60_000);
  await stage.allAssigned(2);
});

test('attached identities are recorded in MIC’s own namespace, and the record is deleted with the last one', async () => {
  const { town, sim } = await enter(oneScaleSet);
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);
  const records = () => sim.kube.list('configmaps', own);
  await stage.until(() => JSON.stringify(records()).includes('\\"confirmed\\":true'));
  expect(records()).toHaveLength(1);
  await stage.remove('pods', 'pod1');
  await stage.until(() => records().length === 0);
});

test('no write of a term is sent after it, also not waiting ones', async () => {
  const { town } = await enter(oneScaleSet);
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  const writes: KubeRequest[] = [];
  const mic = await stage.startMic({
    onRequest: (request) => {
      if (request.method !== 'GET') writes.push(request);
    },
  });
  await stage.allAssigned(1);
  await stage.until((kube) => 'status' in (kube.get('azureidentities', 'app', 'default') ?? {}));
  await mic.stop();
  const kinds = new Set(writes.map(({ path }) => /configmaps|azure\w+/.exec(path)?.[0]));
  expect([...kinds]).toEqual(
    expect.arrayContaining(['azureassignedidentities', 'azureidentities', 'configmaps']),
  );
  expect(writes.filter(({ mayBeSent }) => mayBeSent?.() !== false)).toEqual([]);
});

test.each([
  ['a record', 'POST', /azureassignedidentities$/],
  ['a condition', 'PATCH', /azureidentities\/app\/status$/],
  ['an Event', 'POST', /events$/],
  ['an update of a host', 'PATCH', /virtualmachinescalesets/i],
])('MIC that is told to end gives its lease back after the response to %s', async (_what, method, path) => {
  const { town, sim } = await enter(oneScaleSet);
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  const slow = [sim.kube, sim.azure].map(({ faults }) =>
    faults.add({ match: { method, path }, times: 1, then: { delayMs: 400 } }),
  );
  const mic = await stage.startMic();
  while (slow.every(({ fired }) => fired === 0)) await new Promise(setImmediate);
  await mic.stop();
  const [write] = [sim.kube, sim.azure].flatMap(({ journal }) => journal.entries({ method, path }));
  const release = sim.kube.journal.entries({ method: 'PUT', path: /leases/ }).at(-1);
  expect(write?.outcome).toBe('answered');
  expect(release?.at).toBeGreaterThanOrEqual((write?.at ?? Infinity) + (write?.durationMs ?? 0));
});
