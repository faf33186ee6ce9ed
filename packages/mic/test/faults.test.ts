import { afterEach, expect, test } from 'vitest';
import {
  identityId,
  own,
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
