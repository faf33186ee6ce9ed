import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { editorOf, openSim, plugIn, workload } from './fixture.ts';

test('access: where the API server refuses no one, a right counts for nothing', async () => {
  const { sim, kubeconfig } = await openSim();
  const body = { kind: 'SubjectAccessReview', status: { allowed: true } };
  sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 201, body } });
  const id =
    '/subscriptions/00000000-0000-0000-0000-00000000000a/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
  const { code, err } = await plugIn(['access', 'pay/web', id, '--kubeconfig', kubeconfig]);
  expect([code, err]).toEqual([1, expect.stringContaining('AlwaysAllow')]);
});

test('attack: access tells a missing right with the roles, and beside them that an editor wrote the id', async () => {
  const { sim, kubeconfig } = await openSim();
  await cluster(sim, { nodes: 1, namespaces: ['pay'] }).then((town) =>
    town.identity({ namespace: 'pay', name: 'vault' }),
  );
  const check = () => plugIn(['access', 'pay/web', 'pay/vault', '--kubeconfig', kubeconfig]);
  const { code, out } = await check();
  expect([code, out]).toEqual([1, expect.stringMatching(/^refused [^]*^kind: ClusterRoleBinding$/m)]);
  // The id is what an editor of the namespace wrote: whoever applies the roles must know it.
  expect(out).toMatch(
    /^# warning: editors of its namespace wrote managedidentities \/subscriptions\/\S+ into AzureIdentity pay\/vault: .* pods of ServiceAccount pay\/web act as that identity[^]*^kind: ClusterRole$/m,
  );
  sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 503 } });
  expect((await check()).code).toBe(2);
});

async function inModeNamespace() {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { nodes: 1, namespaces: ['pay'] });
  const namespace = 'aad-pod-identity';
  sim.kube.seed([
    workload('Deployment', { namespace, name: 'mic', args: [], image: 'r.test/mic:0.1.0' }),
    workload('DaemonSet', { namespace, name: 'nmi', args: ['--node=x'] }),
  ]);
  await town.identity({ namespace: 'pay', name: 'vault' });
  await town.identity({ namespace: 'pay', name: 'other' });
  await town.binding({ namespace: 'pay', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.binding({ namespace: 'pay', name: 'other', identity: 'other', selector: 'other' });
  for (const name of ['web-0', 'web-1']) await town.pod({ namespace: 'pay', name, label: 'vault' });
  await town.pod({ namespace: 'pay', name: 'else-0', label: 'other' });
  return (...words: string[]) => plugIn(['access', ...words, '--kubeconfig', kubeconfig]);
}

test('access --identity: in mode namespace the pods that use it are listed, though nobody has a right', async () => {
  const access = await inModeNamespace();
  const { code, out, err } = await access('-A', '--identity', 'pay/vault');
  expect(out.match(/^pay\/\S+/gm)).toEqual(['pay/web-0', 'pay/web-1']);
  expect(err).toContain('in mode namespace rights decide only about');
  expect(code).toBe(0);
});

test('access: rows of long names fit 120 columns, and have whole names with -o wide', async () => {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { nodes: 1, namespaces: ['pay'] });
  const [pod, serviceAccountName] = ['report-generator-7d9f8b6c5d-x2x41', 'report-generator'];
  await town.identity({ namespace: 'pay', name: 'keyvault-reader' });
  await town.binding({ namespace: 'pay', name: 'a', identity: 'keyvault-reader', selector: 'a' });
  await town.pod({ namespace: 'pay', name: pod, label: 'a', serviceAccountName });
  const access = (...words: string[]) => plugIn(['access', '-A', ...words, '--kubeconfig', kubeconfig]);
  const { out } = await access();
  expect(out).toMatch(/^pay\/report-\S+ +report-generator +pay\/keyvault-reader +managed +refused/m);
  expect(out.split('\n').filter(({ length }) => length > 120)).toEqual([]);
  expect((await access('-o', 'wide')).out).toMatch(
    / pay\/report-generator +AzureIdentity pay\/keyvault-reader /,
  );
});

test('access --pod: tells what the ServiceAccount of the pod may use', async () => {
  const access = await inModeNamespace();
  const { code, out } = await access('--pod', 'pay/web-0', '-o', 'json');
  const { serviceAccount } = JSON.parse(out) as { serviceAccount: object };
  expect([code, serviceAccount]).toEqual([0, { namespace: 'pay', name: 'default' }]);
  expect((await access('--pod', 'pay/gone')).code).toBe(2);
  expect((await access('--pod')).code).toBe(2);
  expect((await access('pay/default', '--identity', 'pay/vault')).code).toBe(2);
});

test('access: pods that reach the machine are in the table, one without the right is a problem, and what may not be read makes it unknown', async () => {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 1 }], namespaces: ['pay'] });
  const [namespace, args] = ['aad-pod-identity', ['--identity-access=rbac']];
  sim.kube.seed([workload('Deployment', { namespace, name: 'mic', args, image: 'r.test/mic:0.1.0' })]);
  await town.identity({ namespace: 'pay', name: 'vault' });
  await town.binding({ namespace: 'pay', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.exception({ namespace: 'pay', name: 'agents', podLabels: { app: 'agent' } });
  await town.pod({ namespace: 'pay', name: 'agent-0', labels: { app: 'agent' } });
  const host = await town.pod({ namespace: 'pay', name: 'host-0', label: 'vault' });
  sim.kube.seed([{ ...host, spec: { ...(host['spec'] as object), hostNetwork: true } }]);
  const read = (file: string) => plugIn(['access', '-n', 'pay', '-o', 'json', '--kubeconfig', file]);
  const { code, out } = await read(kubeconfig);
  expect([code, JSON.parse(out)]).toMatchObject([
    1,
    {
      entries: [
        { pod: 'pay/agent-0', by: 'AzurePodIdentityException pay/agents', type: 'machine', mayUse: false },
        { pod: 'pay/host-0', by: 'host network', type: 'machine', right: 'not-needed', mayUse: true },
      ],
    },
  ]);
  const asEditor = await read(await editorOf(sim, 'pay'));
  expect([asEditor.code, JSON.parse(asEditor.out)]).toMatchObject([
    2,
    { source: 'none', entries: [{ mayUse: null }, { mayUse: true }] },
  ]);
});
