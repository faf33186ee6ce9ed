// The rights of deploy/base and its components, no more and no less: both services do all that they can do under their own
// ServiceAccounts, on the simulated API server, which authorizes by RBAC and notes the rights that were used. A right that is needed
// and missing fails the step that needs it.
import { assignedIdentityFinalizer, parseAccessTarget, rolesFor } from '@pod-identity/crd-types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askForToken, manifests2018 } from '../../demo/story.ts';
import * as names from '../../stage/names.ts';
import { deleteObject, pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy, rolesInDeploy } from '../../stage/places.ts';
import type { Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import { grantedTo } from '../granted.ts';
import { assignedOf, remove, stateOf, untilAssigned, untilReleased } from '../objects.ts';

const group = 'aadpodidentity.k8s.io/v1';
const records = pathOf({ apiVersion: 'v1', kind: 'ConfigMap', namespace: names.systemNamespace });
const events = pathOf({ apiVersion: 'v1', kind: 'Event', namespace: 'default' });
const taint = { key: 'aadpodidentity.k8s.io/nmi-not-ready', effect: 'NoSchedule' };
const byRights = ['--identity-access', 'rbac'];

let stage: Stage;
let mic: Service;
let nmi: StageNmi;
let veteran: StagePod;

beforeAll(async () => {
  stage = await openStage({ nodes: 2 });
  await stage.install();
  const target = parseAccessTarget(names.firstIdentity.id);
  if (!target.ok) throw new Error(target.problems[0]?.message);
  const subjects = [{ namespace: 'default', name: 'default' }];
  for (const object of rolesFor({ subjects, targets: [target.value] }).objects)
    await stage.create({ ...object });
});
afterAll(() => stage.stop());

const startMic = () => stage.startMic('1', ['--detach-grace-period', '0s', ...byRights]);

const patch = (object: KubeObject, body: object) =>
  stage.kube.request({
    method: 'PATCH',
    path: pathOf({
      apiVersion: object.apiVersion,
      kind: object.kind,
      name: object.metadata.name,
      namespace: object.metadata.namespace ?? 'default',
    }),
    contentType: 'application/merge-patch+json',
    body,
  });

test('MIC starts on objects of 2018', async () => {
  for (const file of [manifests2018.identity, manifests2018.binding]) await stage.apply(inDeploy(file));
  mic = await startMic();
});

test('MIC assigns an identity, reports it, and does the same again for a pod of the same name', async () => {
  nmi = await stage.startNmi(0, byRights);
  const run = async () => {
    veteran = await stage.runPod({ name: 'veteran', node: 0, label: 'demo-app' });
    await untilAssigned(stage.kube, ['veteran']);
  };
  await run();
  for (const kind of ['AzureIdentity', 'AzureIdentityBinding'])
    await untilObject(stage.kube, {
      path: pathOf({ apiVersion: group, kind, namespace: 'default' }),
      fits: ({ status }) => JSON.stringify(status ?? {}).includes('conditions'),
    });
  // MIC reads its record again when another writer changed it.
  const record = await untilObject(stage.kube, { path: records, fits: () => true });
  await patch({ ...record, apiVersion: 'v1', kind: 'ConfigMap' }, { metadata: { labels: { by: 'others' } } });
  await deleteObject(stage.kube, veteran.object);
  await untilReleased(stage.kube, 'veteran');
  await untilNone(stage.kube, { path: records, fits: () => true });
  await run();
  await untilObject(stage.kube, {
    path: events,
    fits: ({ message, count }) => String(message).includes('applied on node') && Number(count) > 1,
  });
});

test('NMI gives the pod a token, refuses another one, reports that, and after a restart once more', async () => {
  expect(await askForToken((await stage.path(veteran, nmi)).url)).toMatchObject({ status: 200 });
  const stranger = await stage.runPod({ name: 'stranger', node: 0 });
  const reported = (method: string, since: number) =>
    stage.sim.kube.journal.next({ since, method, path: /events/ });
  const refuse = async (method: 'POST' | 'PATCH') => {
    const since = stage.sim.kube.journal.mark();
    expect((await askForToken((await stage.path(stranger, nmi)).url)).status).toBe(400);
    await reported(method, since);
  };
  await refuse('POST');
  await nmi.service.stop();
  nmi = await stage.startNmi(0, byRights);
  await refuse('PATCH');
});

test('MIC follows a change of the identity, and after a restart takes back what has a finalizer of the original', async () => {
  const [assigned] = await assignedOf(stage.kube);
  const identity = { apiVersion: group, kind: 'AzureIdentity', metadata: { name: 'demo-aks-pod-id' } };
  await patch(identity, { spec: { adEndpoint: 'https://login.example' } });
  await untilObject(stage.kube, {
    path: pathOf({ apiVersion: group, kind: 'AzureAssignedIdentity', namespace: 'default' }),
    fits: (one) => JSON.stringify(one['spec']).includes('login.example') && stateOf(one) === 'Assigned',
  });
  await mic.stop();
  await patch(assigned!, { metadata: { finalizers: [assignedIdentityFinalizer] } });
  await remove(stage, { kind: 'AzureIdentityBinding', name: 'demo-aad-identity-binding' });
  mic = await startMic();
  await untilReleased(stage.kube, 'veteran');
  await untilNone(stage.kube, { path: records, fits: () => true });
});

/** A pod of a DaemonSet of our namespace that is ready. */
async function runReady(daemonSet: string, nodeName: string): Promise<void> {
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    name: daemonSet,
    uid: daemonSet,
    controller: true,
  };
  const name = `${daemonSet}-${nodeName}`;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: names.systemNamespace,
      labels: { component: daemonSet },
      ownerReferences: [owner],
    },
    spec: { nodeName, containers: [{ name: 'app', image: 'local.test/app:1' }] },
  };
  await stage.create(pod);
  const lastTransitionTime = new Date().toISOString();
  await stage.kube.request({
    method: 'PATCH',
    path: `${pathOf({ ...pod, namespace: names.systemNamespace, name })}/status`,
    contentType: 'application/merge-patch+json',
    body: {
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] },
    },
  });
}

test('MIC takes the start-up taint off a node when its NMI is ready', async () => {
  const node = 'fresh';
  await stage.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: node }, spec: { taints: [taint] } });
  await runReady('nmi', node);
  await untilObject(stage.kube, {
    path: pathOf({ apiVersion: 'v1', kind: 'Node' }),
    fits: ({ metadata, spec }) =>
      metadata.name === node && ((spec as { taints?: unknown[] }).taints ?? []).length === 0,
  });
});

test('each right of the manifests was used, and no other was asked for', async () => {
  await mic.stop();
  await nmi.service.stop();
  const objects = (await Promise.all(rolesInDeploy.map((file) => readManifests(inDeploy(file))))).flat();
  for (const account of ['mic', 'nmi'])
    expect(stage.sim.kube.usedRights(`${names.systemNamespace}/${account}`)).toEqual(
      grantedTo(account, objects),
    );
  const refused = stage.sim.kube.journal.entries({}).filter(({ status }) => status === 403);
  expect(refused.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});
