// An upgrade of a cluster from the original: spellings of 2018, objects of its MIC 1.5.x, leftovers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import type { Service } from '../../stage/service.ts';
import * as on from '../objects.ts';

type Finalized = KubeObject & { readonly metadata: { readonly finalizers: readonly string[] } };

const apiVersion = 'aadpodidentity.k8s.io/v1';
const finalizer = 'azureassignedidentity.finalizers.aadpodidentity.k8s.io';
const { id: resourceId, clientId } = names.firstIdentity;
const node = names.nodeName(0);

/** In the spelling of its documentation. */
const identity2018: KubeObject = {
  apiVersion,
  kind: 'AzureIdentity',
  metadata: { name: 'old', namespace: 'default' },
  spec: { type: 0, ResourceID: resourceId, ClientID: clientId },
};
const binding2018: KubeObject = {
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { name: 'old-binding', namespace: 'default' },
  spec: { AzureIdentity: 'old', Selector: 'old' },
};

/** As MIC up to 1.5.5 stored it: keys in lower case, a `Status`, labels with the pod's name. */
const assignedBefore16 = (pod: string, state: string): KubeObject => ({
  apiVersion,
  kind: 'AzureAssignedIdentity',
  metadata: {
    name: `${pod}-default-old`,
    namespace: 'default',
    labels: { nodename: node, podname: pod, podnamespace: 'default' },
  },
  spec: {
    azureidentityref: {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: { name: 'old', namespace: 'default' },
      spec: { type: 0, resourceid: resourceId, clientid: clientId },
    },
    azurebindingref: {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: { name: 'old-binding', namespace: 'default' },
      spec: { azureidentity: 'old', selector: 'old' },
    },
    pod,
    podnamespace: 'default',
    nodename: node,
  },
  Status: { status: state, availableReplicas: 1 },
});

/** As MIC from 1.6.1 stored it: with its finalizer, and (a slip of its upgrade) the kinds of lists in its copies. */
const assignedSince16 = (pod: string, state: string): Finalized => ({
  apiVersion,
  kind: 'AzureAssignedIdentity',
  metadata: {
    name: `${pod}-default-old`,
    namespace: 'default',
    labels: { nodename: node },
    finalizers: [finalizer],
  },
  spec: {
    azureIdentityRef: {
      apiVersion,
      kind: 'AzureIdentityList',
      metadata: { name: 'old', namespace: 'default' },
      spec: { resourceID: resourceId, clientID: clientId },
    },
    azureBindingRef: {
      apiVersion,
      kind: 'AzureIdentityBindingList',
      metadata: { name: 'old-binding', namespace: 'default' },
      spec: { azureIdentity: 'old', selector: 'old' },
    },
    pod,
    podNamespace: 'default',
    nodename: node,
    replicas: null,
  },
  status: { status: state, availableReplicas: 1 },
});

describe('E28 upgrade from the original', () => {
  let stage: Stage;
  let mic: Service;
  let nmi: StageNmi;
  const pods = new Map<string, StagePod>();
  const living = ['empty', 'created', 'assigned', 'unassigned', 'finalized', 'stuck'];
  const gone = ['gone-before-1-6', 'gone-since-1-6'];

  beforeAll(async () => {
    stage = await openStage({ nodes: 1 });
    await stage.install();
    const { sim } = stage;
    // Written directly to the store, as they were before an API server of today validated them.
    sim.kube.seed([
      identity2018,
      binding2018,
      assignedBefore16('empty', ''),
      assignedBefore16('created', 'Created'),
      assignedBefore16('assigned', 'Assigned'),
      assignedBefore16('unassigned', 'Unassigned'),
      assignedBefore16('gone-before-1-6', 'Assigned'),
      assignedSince16('finalized', 'Assigned'),
      assignedSince16('stuck', 'Unassigned'),
      assignedSince16('gone-since-1-6', 'Assigned'),
    ]);
    // The original's MIC attached it.
    sim.azure.world.attach(names.scaleSetId(names.scaleSet), resourceId);
    for (const name of living) pods.set(name, await stage.runPod({ name, node: 0, label: 'old' }));
    mic = await stage.startMic('1');
    nmi = await stage.startNmi(0);
  });
  afterAll(() => stage.stop());

  const assigned = () => stage.sim.kube.list('azureassignedidentities', 'default');
  const stateOf = (pod: string) => {
    const found = stage.sim.kube.get('azureassignedidentities', `${pod}-default-old`, 'default');
    // MIC 1.5 wrote `Status`.
    return found && on.stateOf({ status: found['Status'], ...found } as unknown as KubeObject);
  };
  /** Writes to anything but leases and events. */
  const writes = (since: number) =>
    stage.sim.kube.journal
      .entries({ service: 'kube', since })
      .filter(({ method, path }) => method !== 'GET' && !/\/(leases|events)(\/|$)/.test(path))
      .map(({ method, path }) => `${method} ${path}`);

  test('E28 every running pod is served with any state of its object, and leftover objects are deleted', async () => {
    // An empty state counts as Assigned, as in the original: the object is not written.
    const wanted = (pod: string) => (pod === 'empty' ? '' : 'Assigned');
    await stage.sim.kube.until(
      () =>
        living.every((pod) => stateOf(pod) === wanted(pod)) &&
        gone.every((pod) => stateOf(pod) === undefined),
    );
    for (const pod of pods.values()) {
      const { url } = await stage.path(pod, nmi);
      expect(await on.validate(stage, url)).toMatchObject({ token: 200, vault: 200 });
    }
  });

  test('E28 no finalizer of the original is left', async () => {
    await stage.sim.kube.until(() => assigned().every(({ metadata }) => !metadata.finalizers?.length));
  });

  test('E28 identities and bindings keep the spelling of 2018', () => {
    const { kube } = stage.sim;
    const specOf = (plural: string, { metadata }: KubeObject) =>
      kube.get(plural, metadata.name, 'default')?.['spec'];
    expect(specOf('azureidentities', identity2018)).toEqual(identity2018['spec']);
    expect(specOf('azureidentitybindings', binding2018)).toEqual(binding2018['spec']);
  });

  test('E28 the identity that the original attached does not count as ours: it stays on the scale set', () => {
    expect(stage.sim.azure.journal.count({ service: 'arm', method: 'PATCH' })).toBe(0);
    expect(on.isAttached(stage, resourceId)).toBe(true);
  });

  test('E28 a second start changes nothing', async () => {
    await mic.stop();
    const since = stage.sim.kube.journal.mark();
    await (await stage.startMic('2')).logged('became leader');
    // A new pod on the same node is served after the new leader has processed all objects.
    await stage.runPod({ name: 'newcomer', node: 0, label: 'old' });
    await on.untilAssigned(stage.kube, ['newcomer']);
    const byStage = /\/pods(\/|$)/;
    expect(writes(since).filter((line) => !byStage.test(line))).toEqual([
      'POST /apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities',
    ]);
    expect(stage.sim.azure.journal.count({ service: 'arm', method: 'PATCH' })).toBe(0);
  });
});
