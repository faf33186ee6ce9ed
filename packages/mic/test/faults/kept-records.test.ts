// An editor's AzureAssignedIdentities that a finalizer of the editor keeps after MIC has deleted them.
import { nodeLabel } from '@pod-identity/crd-types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  await scene.bind('bad');
  scene.sim.azure.world.deleteIdentity(identityId('bad'));
});
afterEach(() => scene[Symbol.asyncDispose]());

const records = '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureassignedidentities';

async function forge(name: string) {
  const copyOf = (plural: string, of: string) => scene.sim.kube.get(plural, of, 'default');
  const nodename = scene.town.nodes[0]?.name ?? '';
  await scene.town.client.request('POST', records, {
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureAssignedIdentity',
    metadata: { name, labels: { [nodeLabel]: nodename }, finalizers: ['evil.example/keep'] },
    spec: {
      azureIdentityRef: copyOf('azureidentities', 'bad'),
      azureBindingRef: copyOf('azureidentitybindings', 'bad-binding'),
      pod: 'web',
      podNamespace: 'default',
      nodename,
    },
    status: { status: 'Assigned', availableReplicas: 1 },
  });
}

const minutes = (count: number) => scene.pass(count * 60_000, 5_000);

test('attack: each is deleted once, however often it is listed and its pod and host are planned', async () => {
  const deleted: string[] = [];
  await scene.town.pod({ name: 'web', label: 'bad' });
  await scene.startMic({
    onRequest: ({ method, path }) => {
      if (method === 'DELETE' && path.startsWith(records)) deleted.push(path.slice(records.length + 1));
    },
  });
  await scene.until(() => scene.states().join() === 'web-default-bad: Created');
  const names = ['forged-1', 'forged-2', 'forged-3'];
  for (const name of names) await forge(name);
  await minutes(1);
  expect(deleted.sort()).toEqual(names);
  for (let round = 0; round < 12; round += 1) {
    await scene.town.pod({ name: `web-${round}`, label: 'bad' });
    await minutes(1);
  }
  expect(deleted.sort()).toEqual(names);
});

test('attack: one under the name that MIC gives does not keep the pod from its own', async () => {
  await forge('web-default-bad');
  await scene.town.client.request('DELETE', `${records}/web-default-bad`);
  await scene.town.pod({ name: 'web', label: 'bad' });
  await scene.startMic();
  await scene.until(() => scene.states().join() === 'web-default-bad: Created');
  const [object] = scene.sim.kube.list('azureassignedidentities');
  expect(object?.metadata.deletionTimestamp).toBeUndefined();
});
