// What the commands say to those who may read little: never what would be so if the rest were not there.
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import type { PlugInCommand } from '../src/cli/command.ts';
import { doctor } from '../src/doctor/doctor.ts';
import { statusCommand } from '../src/status/status.ts';
import { agentOn, editorOf, openSim, plugIn, workload } from './fixture.ts';

async function open(): Promise<string> {
  const { sim } = await openSim();
  const town = await cluster(sim, { nodes: 1, namespaces: ['pay'] });
  const broker = 'aad-pod-identity-broker';
  sim.kube.seed([
    workload('DaemonSet', {
      namespace: 'aad-pod-identity',
      name: 'nmi',
      args: ['--node=x', `--broker=${broker}`, '--broker-token-file=/t'],
    }),
    workload('Deployment', { namespace: broker, name: 'broker', args: ['broker', '--broker-agent=a/nmi'] }),
  ]);
  await town.identity({ namespace: 'pay', name: 'vault' });
  const ids = {
    type: 3,
    tenantID: '00000000-0000-0000-0000-00000000ad00',
    clientID: '00000000-0000-0000-0000-00000000c11d',
  };
  sim.kube.seed([{ ...sim.kube.get('azureidentities', 'vault', 'pay')!, spec: ids }]);
  await town.binding({ namespace: 'pay', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'vault' });
  return editorOf(sim, 'pay');
}

test('explain: an editor who may not see the broker is not told that a pod of a federated identity gets no token', async () => {
  const { code, out } = await plugIn(['explain', 'pay/web-0', '--kubeconfig', await open()]);
  expect(out).not.toContain('cannot be served');
  expect(out).toMatch(
    /^… pay\/web-0 may get tokens or not: whether ServiceAccounts may use identities is not known/,
  );
  expect(code).toBe(2);
});

/** A pod with a service principal, without its Secret. */
async function openPrincipal() {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { nodes: 1, namespaces: ['pay'] });
  sim.kube.seed([
    workload('DaemonSet', {
      namespace: 'kube-system',
      name: 'nmi',
      args: ['--node=x', '--operation-mode=managed'],
    }),
    ...town.nodes.map(({ name }) => agentOn(name)),
  ]);
  await town.identity({ namespace: 'pay', name: 'app' });
  const spec = {
    type: 1,
    tenantID: 'contoso.com',
    clientID: '00000000-0000-0000-0000-00000000c11d',
    clientPassword: { name: 'app' },
  };
  sim.kube.seed([{ ...sim.kube.get('azureidentities', 'app', 'pay')!, spec }]);
  await town.binding({ namespace: 'pay', name: 'app', identity: 'app', selector: 'app' });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'app' });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'app', namespace: 'pay' },
    data: { clientSecret: Buffer.from('very-secret').toString('base64') },
  };
  return { sim, kubeconfig, secret };
}

test('explain: a pod whose service principal has no Secret gets no token, and with it one, of which nothing is printed', async () => {
  const { sim, kubeconfig, secret } = await openPrincipal();
  const explain = () => plugIn(['explain', 'pay/web-0', '-o', 'json', '--kubeconfig', kubeconfig]);
  const without = await explain();
  expect(without.out).toContain('AzureIdentity pay/app names Secret pay/app, which does not exist');
  expect(without.code).toBe(1);
  sim.kube.seed([secret]);
  const { code, out } = await explain();
  expect(out).not.toMatch(/does not exist|very-secret|dmVyeS1zZWNyZXQ/);
  expect(code).toBe(0);
});

test('migrate: who may not look for MIC and NMI is not told to install them', async () => {
  const { code, out } = await plugIn(['migrate', '--kubeconfig', await open()]);
  expect(out).not.toContain('install');
  expect(out).toContain('MIC and NMI of this project: none seen; broker: not seen');
  expect(code).toBe(2);
});

/** Of a cluster without the definitions: an API server answers requests for their objects like this. */
function withoutKinds(kube: KubeTransport): KubeTransport {
  const check = (path: string) => {
    if (path.includes('aadpodidentity')) throw new KubeError('not-found', 'the server could not find it');
  };
  return {
    ...kube,
    request(request) {
      check(request.path);
      return kube.request(request);
    },
    watch(request) {
      check(request.path);
      return kube.watch(request);
    },
  };
}

test.each([doctor, statusCommand])('$name ends in a cluster where nothing is installed', async (command) => {
  const { sim, kubeconfig } = await openSim();
  await cluster(sim, { nodes: 1, namespaces: ['pay'] });
  const bare: PlugInCommand = {
    ...command,
    run: (session, given) => command.run({ ...session, kube: withoutKinds(session.kube) }, given),
  };
  const { out } = await plugIn([command.name, '--kubeconfig', kubeconfig], { commands: [bare] });
  expect(out).toMatch(/^problem: the cluster has no azureidentities\.aadpodidentity\.k8s\.io/m);
  expect(out).toMatch(/^problem: NMI is not installed/m);
});
