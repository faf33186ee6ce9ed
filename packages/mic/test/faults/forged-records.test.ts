// An editor of one namespace writes, edits and deletes AzureAssignedIdentities, which MIC does not watch.
import { afterEach, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
afterEach(() => scene[Symbol.asyncDispose]());

const forged = (number: number) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: 'AzureAssignedIdentity',
  metadata: { name: `forged-${number}`, namespace: 'evil' },
  spec: {
    pod: `gone-${number}`,
    podNamespace: 'shop',
    nodename: 'vmss1-0',
    azureIdentityRef: { metadata: { name: 'x', namespace: 'evil' }, spec: { type: 0 } },
    azureBindingRef: {
      metadata: { name: 'x', namespace: 'evil' },
      spec: { azureIdentity: 'x', selector: 'x' },
    },
  },
  status: { status: 'Assigned' },
});

test('of hundreds that are removed the log has the lines that a namespace may have', async () => {
  scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  scene.sim.kube.seed(Array.from({ length: 600 }, (_, number) => forged(number)));
  const mic = await scene.startMic();
  await scene.until(() => scene.sim.kube.list('azureassignedidentities').length === 0);
  const lines = mic.lines.filter((line) => line.includes('"event":"binding removed"'));
  expect(lines.length).toBeGreaterThanOrEqual(100);
  expect(lines.length).toBeLessThan(400);
});

const records = '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities';
const edit = { spec: { nodename: 'elsewhere', pod: 'another' }, status: { status: 'Created' } };

test('what an editor writes for a pod that may have no identity is deleted within minutes', async () => {
  scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  await scene.startMic();
  await scene.pass(60_000, 1_000);
  scene.sim.kube.seed([forged(1)]);
  await scene.until(() => scene.sim.kube.list('azureassignedidentities').length === 0, 12 * 60_000);
});

test.each([
  { how: 'edits', method: 'PATCH', body: edit },
  { how: 'deletes', method: 'DELETE', body: undefined },
])('what an editor $how is written again within minutes', async ({ method, body }) => {
  const watches: string[] = [];
  scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  await scene.bind('app');
  await scene.town.pod({ name: 'web', label: 'app' });
  await scene.startMic({
    onRequest: ({ path, query }) => query?.['watch'] !== undefined && watches.push(path),
  });
  const isThere = () => scene.states().join() === 'web-default-app: Assigned';
  const isRight = () => {
    const [{ spec } = { spec: {} }] = scene.sim.kube.list('azureassignedidentities');
    return isThere() && (spec as { pod?: string }).pod === 'web';
  };
  await scene.until(isRight);
  await scene.town.client.request(method, `${records}/web-default-app`, body);
  expect(isRight()).toBe(false);
  await scene.until(isRight, 12 * 60_000);
  expect(watches.filter((path) => path.includes('azureassigned'))).toEqual([]);
});

test('attack: a pod whose record its editor deletes keeps its identity on the host', async () => {
  scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  await scene.bind('app');
  await scene.town.pod({ name: 'web', label: 'app' });
  await scene.startMic();
  await scene.until(() => scene.isAllAssigned(1));
  scene.sim.kube.faults.add({ match: { method: 'POST', path: /azureassigned/ }, then: { status: 403 } });
  await scene.remove('azureassignedidentities', 'web-default-app');
  await scene.pass(20 * 60_000, 5_000);
  expect(scene.states()).toEqual([]);
  expect(scene.attached('vmss1')).toEqual(['app']);
});
