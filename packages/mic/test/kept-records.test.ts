// An editor's AzureAssignedIdentities that a finalizer of the editor keeps after MIC has deleted them.
import { nodeLabel } from '@pod-identity/crd-types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityId, setStage, type Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }], namespaces: ['evil'] });
  await stage.town.identity({ name: 'bad', namespace: 'evil' });
  await stage.town.binding({ name: 'bad', namespace: 'evil', identity: 'bad', selector: 'bad' });
  stage.sim.azure.world.deleteIdentity(identityId('bad'));
});
afterEach(() => stage.close());

const records = '/apis/aadpodidentity.k8s.io/v1/namespaces/evil/azureassignedidentities';

async function forge(name: string) {
  const copyOf = (plural: string) => stage.sim.kube.get(plural, 'bad', 'evil');
  const nodename = stage.town.nodes[0]?.name ?? '';
  await stage.town.client.request('POST', records, {
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureAssignedIdentity',
    metadata: { name, labels: { [nodeLabel]: nodename }, finalizers: ['evil.example/keep'] },
    spec: {
      azureIdentityRef: copyOf('azureidentities'),
      azureBindingRef: copyOf('azureidentitybindings'),
      pod: 'web',
      podNamespace: 'evil',
      nodename,
    },
    status: { status: 'Assigned', availableReplicas: 1 },
  });
}

test('attack: each is deleted once, however often their pod and its host are planned', async () => {
  const deleted: string[] = [];
  await stage.town.pod({ name: 'web', namespace: 'evil', label: 'bad' });
  await stage.startMic({
    forceNamespaced: true,
    rules: { forceNamespaced: true },
    onRequest: ({ method, path }) => {
      if (method === 'DELETE' && path.startsWith(records)) deleted.push(path.slice(records.length + 1));
    },
  });
  await stage.until(
    () => stage.states().join() === 'web-evil-bad: Created',
    'the record of the refused identity',
  );
  const names = ['forged-1', 'forged-2', 'forged-3'];
  for (const name of names) await forge(name);
  const isEnding = () => stage.assigned().filter(({ metadata }) => metadata.deletionTimestamp).length === 3;
  await stage.until(isEnding, 'the forged records to be deleted');
  for (let round = 0; round < 3; round += 1) {
    // Longer than MIC waits for the end of a deleted object.
    stage.warp(20_000);
    const first = `first-${round}`;
    await stage.town.pod({ name: first, namespace: 'evil', label: 'bad' });
    await stage.until(() => stage.states().includes(`${first}-evil-bad: Created`), `the record of ${first}`);
  }
  expect(deleted.sort()).toEqual(names);
});
