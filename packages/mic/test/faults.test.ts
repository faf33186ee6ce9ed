import { afterEach, expect, test } from 'vitest';
import {
  identityId,
  own,
  scaleSetId,
  setStage,
  stateOf,
  type RunningMic,
  type Stage,
  type StageOptions,
} from './stage.ts';

let stage: Stage;
const enter = async (options: StageOptions = { scaleSets: [{ name: 'vmss1', instances: 2 }] }) =>
  (stage = await setStage(options));
afterEach(() => stage.close());

async function bind(selector: string) {
  await stage.town.binding({ name: `${selector}-binding`, identity: selector, selector });
  return stage.town.identity({ name: selector });
}
const leads = (mic: RunningMic) => stage.until(() => mic.controller.term !== undefined);
const recordText = () => JSON.stringify(stage.sim.kube.list('configmaps', own));
const eventReasons = (name: string) =>
  stage.sim.kube
    .list('events')
    .filter((event) => (event['involvedObject'] as { name?: string }).name === name)
    .map((event) => event['reason']);

test('an identity that takes long to attach: Created first, an Event on the pod, then Assigned: two writes', async () => {
  const { town, sim } = await enter();
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  const hold = sim.azure.holdOperations();
  await stage.startMic({ recordAfterMs: 50 });
  await stage.until(() => stage.states().join() === 'pod1-default-app: Created');
  await stage.until(() => eventReasons('pod1').includes('WaitingForIdentity'));
  hold.release();
  await stage.allAssigned(1);
  expect(stage.writes('azureassignedidentities')).toBe(2);
  await stage.until(() => eventReasons('app-binding').includes('binding applied'));
});

test('during a PATCH, pods whose identity is attached already do not wait for it', async () => {
  const { town, sim } = await enter();
  await bind('slow');
  await bind('there');
  await town.pod({ name: 'pod1', label: 'there' });
  await stage.startMic();
  await stage.allAssigned(1);
  const hold = sim.azure.holdOperations();
  await town.pod({ name: 'pod2', label: 'slow' });
  await sim.azure.journal.next({ service: 'arm', method: 'PATCH' });
  await town.pod({ name: 'pod3', label: 'there', node: 'vmss1-1' });
  await stage.until(() => stage.states().includes('pod3-default-there: Assigned'));
  expect(stage.states()).toHaveLength(2);
  hold.release();
  await stage.allAssigned(3);
});

test('a slow scale set delays no other', async () => {
  const { town, sim } = await enter({
    scaleSets: [
      { name: 'vmss1', instances: 1 },
      { name: 'vmss2', instances: 1 },
    ],
  });
  await bind('app');
  const hang = sim.azure.faults.add({
    match: { service: 'arm', path: /virtualMachineScaleSets\/vmss1$/i },
    then: { hang: true },
  });
  for (const node of ['vmss1-0', 'vmss2-0']) await town.pod({ name: `pod-${node}`, label: 'app', node });
  await stage.startMic();
  await stage.until(() => stage.states().includes('pod-vmss2-0-default-app: Assigned'));
  hang.remove();
});

test('W-C4 a crash between the PATCH and its confirmation leaves no orphan: the next MIC cleans up', async () => {
  const { town, sim } = await enter();
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  const hold = sim.azure.holdOperations();
  const first = await stage.startMic();
  await sim.azure.journal.next({ service: 'arm', method: 'PATCH' });
  await first.stop();
  expect(recordText()).toContain('\\"confirmed\\":false');

  await stage.remove('pods', 'pod1');
  hold.release();
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'app');
  await stage.startMic();
  await sim.azure.world.until(() => stage.attached('vmss1').length === 0);
  await stage.until(() => recordText() === '[]');
  expect(stage.assigned()).toEqual([]);
});

test('two MICs: one works, the other takes over at once when the first stops', async () => {
  const { town, sim } = await enter();
  await bind('app');
  const first = await stage.startMic();
  await leads(first);
  const second = await stage.startMic();
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.allAssigned(1);
  expect(second.controller.term).toBeUndefined();
  await first.stop();
  await leads(second);
  await town.pod({ name: 'pod2', label: 'app' });
  await stage.allAssigned(2);
  expect(stage.patches()).toBe(1);
  expect(sim.kube.list('azureassignedidentities')).toHaveLength(2);
});

test('checklist 11: a lost lease stops all writes at once and the process continues; it works again when it leads again', async () => {
  const { town, sim } = await enter();
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  const hold = sim.azure.holdOperations();
  const mic = await stage.startMic({ leaseMs: 1_000 });
  await sim.azure.journal.next({ service: 'arm', method: 'PATCH' });
  const partition = sim.kube.faults.add({ match: { path: /\/leases/ }, then: { status: 500 } });
  while (mic.controller.term) await sim.kube.journal.next({ path: /\/leases/ });
  const mark = sim.kube.storage.version;
  const asked = stage.patches();
  hold.release();
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'app');
  await town.pod({ name: 'pod2', label: 'app' });
  await sim.kube.journal.next({ path: /\/leases/ });
  expect(sim.kube.storage.version).toBe(mark + 2);
  expect(stage.patches()).toBe(asked);
  expect(stage.assigned()).toEqual([]);

  partition.remove();
  await stage.allAssigned(2);
});

test('a lost response changes nothing: of the POST, of the record, of the PATCH', async () => {
  const { town, sim } = await enter();
  await bind('app');
  const faults = [
    sim.kube.faults.add({
      match: { method: 'POST', path: /azureassignedidentities/ },
      times: 1,
      then: { loseAnswer: true },
    }),
    sim.kube.faults.add({
      match: { method: 'POST', path: /configmaps/ },
      times: 1,
      then: { loseAnswer: true },
    }),
    sim.azure.faults.add({
      match: { service: 'arm', method: 'PATCH' },
      times: 1,
      then: { loseAnswer: true },
    }),
  ];
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  const nudge = setInterval(() => stage.warp(5_000), 50);
  await stage.until(() => {
    // Pauses after failures last minutes; the clock of this test skips them.
    const [object] = stage.assigned();
    return (
      object !== undefined && stateOf(object) === 'Assigned' && recordText().includes('\\"confirmed\\":true')
    );
  });
  clearInterval(nudge);
  expect(faults.map((fault) => fault.fired)).toEqual([1, 1, 1]);
  expect(stage.assigned()).toHaveLength(1);
});

test('checklist 4: the next MIC also respects Retry-After', async () => {
  const { town, sim } = await enter();
  await bind('app');
  const throttle = sim.azure.faults.add({
    match: { service: 'arm', method: 'PATCH' },
    then: { status: 429, body: {}, headers: { 'retry-after': '600' } },
  });
  await town.pod({ name: 'pod1', label: 'app' });
  const first = await stage.startMic();
  await stage.until(() => /\\"notBefore\\":[1-9]/.test(recordText()));
  expect(await first.metrics()).toMatch(/aadpodidentity_mic_throttled_hosts 1/);
  await first.stop();
  expect(await first.metrics()).toMatch(/aadpodidentity_mic_throttled_hosts 0/);
  throttle.remove();

  const mark = sim.azure.journal.mark();
  const second = await stage.startMic();
  await leads(second);
  expect(await second.metrics()).toMatch(/aadpodidentity_mic_throttled_hosts 1/);
  await town.pod({ name: 'pod2', label: 'app' });
  await stage.until(() => stage.states().includes('pod2-default-app: Created'));
  expect(sim.azure.journal.count({ service: 'arm', since: mark })).toBe(0);
  stage.warp(601_000);
  await stage.allAssigned(2);
});

test('E16 checklist 9: identities removed from a host are attached again within a drift period', async () => {
  const { town, sim } = await enter();
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);
  sim.azure.world.wipeIdentities(scaleSetId('vmss1'));
  stage.warp(181_000);
  await sim.azure.world.until(() => stage.attached('vmss1').join() === 'app');
  expect(stage.writes('azureassignedidentities')).toBe(1);
});

test('checklist 8: an identity that was deleted and recreated with its name is repaired', async () => {
  const { town, sim } = await enter();
  const { resourceId } = await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);
  const fresh = sim.azure.world.recreateIdentity(resourceId);
  stage.warp(181_000);
  await sim.azure.world.until((world) =>
    Object.values(world.host(scaleSetId('vmss1')).identity.userAssignedIdentities).some(
      (entry) => entry.clientId === fresh.clientId,
    ),
  );
});

test('C45 in small: no change is lost by watches that were closed, compacted (410) or lost with the API server', async () => {
  const { town, sim } = await enter();
  await bind('app');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic();
  await stage.allAssigned(1);
  sim.kube.compact();
  sim.kube.dropWatches();
  await town.pod({ name: 'pod2', label: 'app' });
  await stage.allAssigned(2);

  await sim.kube.stopListening();
  sim.kube.seed([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'pod3', namespace: 'default', labels: { aadpodidbinding: 'app' } },
      spec: { nodeName: 'vmss1-0' },
      status: { phase: 'Running' },
    },
  ]);
  stage.warp(60_000);
  await sim.kube.startListening();
  await stage.allAssigned(3);
});

test("E12 the original's finalizer blocks neither objects to delete nor those to keep", async () => {
  const { town } = await enter();
  const { clientId, resourceId } = await bind('app');
  const made = await town.pod({ name: 'kept', label: 'app' });
  const node = town.nodes[0]!.name;
  const left = (pod: string) => ({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureAssignedIdentity',
    metadata: {
      name: `${pod}-default-app`,
      namespace: 'default',
      labels: { nodename: node },
      finalizers: ['azureassignedidentity.finalizers.aadpodidentity.k8s.io'],
    },
    spec: {
      azureIdentityRef: {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentity',
        metadata: { name: 'app', namespace: 'default' },
        spec: { type: 0, clientID: clientId, resourceID: resourceId },
      },
      azureBindingRef: {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentityBinding',
        metadata: { name: 'app-binding', namespace: 'default' },
        spec: { azureIdentity: 'app', selector: 'app' },
      },
      pod,
      podNamespace: 'default',
      nodename: node,
      replicas: null,
    },
    status: { status: 'Assigned', availableReplicas: 1 },
  });
  expect(made.metadata.name).toBe('kept');
  for (const pod of ['kept', 'gone'])
    await town.client.request(
      'POST',
      '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities',
      left(pod),
    );
  await stage.startMic();
  await stage.until(
    () =>
      stage.states().join() === 'kept-default-app: Assigned' &&
      !stage.assigned()[0]!.metadata.finalizers?.length,
  );
});

test('E28 objects in the spelling of 2018 are served, and stay as they are', async () => {
  const { town, sim } = await enter();
  const identity = sim.azure.world.addIdentity({ resourceId: identityId('demo') });
  const custom = (plural: string) => `/apis/aadpodidentity.k8s.io/v1/namespaces/default/${plural}`;
  const of = (kind: string, name: string, spec: object) => ({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind,
    metadata: { name },
    spec,
  });
  const { resourceId: ResourceID, clientId: ClientID } = identity;
  const old = { type: 0, ResourceID, ClientID };
  await town.client.request('POST', custom('azureidentities'), of('AzureIdentity', 'demo', old));
  const oldBinding = { AzureIdentity: 'demo', Selector: 'demo' };
  await town.client.request(
    'POST',
    custom('azureidentitybindings'),
    of('AzureIdentityBinding', 'demo-binding', oldBinding),
  );
  await town.pod({ name: 'pod1', label: 'demo' });
  await stage.startMic();
  await stage.allAssigned(1);
  expect(sim.kube.get('azureidentities', 'demo', 'default')?.['spec']).toEqual(old);
  expect(sim.kube.get('azureidentitybindings', 'demo-binding', 'default')?.['spec']).toEqual(oldBinding);
});

test('identities and bindings have a condition with their state', async () => {
  const { town, sim } = await enter();
  const { resourceId } = await bind('bad');
  sim.azure.world.deleteIdentity(resourceId);
  await bind('app');
  for (const label of ['app', 'bad']) await town.pod({ name: `pod-${label}`, label });
  await stage.startMic();
  const ready = (plural: string, name: string) =>
    (
      sim.kube.get(plural, name, 'default')?.['status'] as
        { conditions?: { status: string; reason: string }[] } | undefined
    )?.conditions?.[0];
  await stage.until(
    () =>
      ready('azureidentities', 'app')?.reason === 'Attached' &&
      ready('azureidentities', 'bad')?.reason === 'Rejected',
  );
  await stage.until(() => ready('azureidentitybindings', 'app-binding')?.status === 'True');
  // A change of a status causes no other write.
  expect(stage.writes('azureassignedidentities')).toBe(2);
});

test('checklist 5: a scale set that is being updated gets no PATCH until then', async () => {
  const { town, sim } = await enter();
  await bind('app');
  sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Updating');
  await town.pod({ name: 'pod1', label: 'app' });
  await stage.startMic({ recordAfterMs: 50 });
  await stage.until(() => stage.states().join() === 'pod1-default-app: Created');
  expect(stage.patches()).toBe(0);
  sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Succeeded');
  const nudge = setInterval(() => stage.warp(10_000), 50);
  await stage.allAssigned(1);
  clearInterval(nudge);
});
