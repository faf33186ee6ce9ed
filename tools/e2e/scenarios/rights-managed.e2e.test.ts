// The rights of NMI in managed mode, no more and no less, on the simulated API server: those of the rendered manifest, and of the opt-in
// part for the start-up taint.
import { parseAccessTarget, rolesFor } from '@pod-identity/crd-types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askForToken } from '../../demo/story.ts';
import * as names from '../../stage/names.ts';
import { pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import { grantedTo } from '../granted.ts';
import { identityObjects } from '../objects.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const flags = [...['--operation-mode', 'managed', '--identity-access', 'rbac'], ...['--startup-taint', key]];

let stage: Stage;
let roles: KubeObject[];
let nmi: StageNmi;
let stranger: StagePod;

beforeAll(async () => {
  stage = await openStage({ nodes: 1 });
  await stage.install();
  const files = ['infra/managed-mode-deployment.yaml', 'components/nmi-startup-taint/rbac.yaml'];
  const objects = (await Promise.all(files.map((file) => readManifests(inDeploy(file))))).flat();
  roles = objects.filter(({ apiVersion }) => apiVersion.startsWith('rbac.'));
  for (const object of roles) await stage.create(object);
  const target = parseAccessTarget(names.clusterIdentity.id);
  if (!target.ok) throw new Error(target.problems[0]?.message);
  const subjects = [{ namespace: 'default', name: 'default' }];
  for (const object of rolesFor({ subjects, targets: [target.value] }).objects)
    await stage.create({ ...object });
});
afterAll(() => stage.stop());

const startNmi = () => stage.startNmi(0, flags);

test('NMI takes the start-up taint off its own node', async () => {
  const node = pathOf({ apiVersion: 'v1', kind: 'Node', name: names.nodeName(0) });
  await stage.kube.request({
    method: 'PATCH',
    path: node,
    body: { spec: { taints: [{ key, effect: 'NoSchedule' }] } },
    contentType: 'application/merge-patch+json',
  });
  nmi = await startNmi();
  await untilObject(stage.kube, {
    path: pathOf({ apiVersion: 'v1', kind: 'Node' }),
    fits: ({ metadata, spec }) =>
      metadata.name === names.nodeName(0) && ((spec as { taints?: unknown[] }).taints ?? []).length === 0,
  });
});

test('NMI gives a pod a token of an identity that its machine has', async () => {
  for (const object of identityObjects({ name: 'of-the-machine', ...names.clusterIdentity }))
    await stage.create(object);
  const pod = await stage.runPod({ name: 'app', node: 0, label: 'of-the-machine' });
  expect(await askForToken((await stage.path(pod, nmi)).url)).toMatchObject({ status: 200 });
});

test('NMI refuses another pod, reports that, and after a restart once more', async () => {
  stranger = await stage.runPod({ name: 'stranger', node: 0 });
  const refuse = async (method: 'POST' | 'PATCH') => {
    const since = stage.sim.kube.journal.mark();
    expect((await askForToken((await stage.path(stranger, nmi)).url)).status).toBe(400);
    await stage.sim.kube.journal.next({ since, method, path: /events/ });
  };
  await refuse('POST');
  await nmi.service.stop();
  nmi = await startNmi();
  await refuse('PATCH');
});

test('each right of the manifests was used, and no other was asked for', async () => {
  await nmi.service.stop();
  expect(stage.sim.kube.usedRights(`${names.systemNamespace}/nmi`)).toEqual(grantedTo('nmi', roles));
  const refused = stage.sim.kube.journal.entries({}).filter(({ status }) => status === 403);
  expect(refused.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});
