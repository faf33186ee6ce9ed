// An editor of one namespace writes AzureAssignedIdentities there, which MIC removes.
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
