// explain, from lists that are read once: the verdict first, then the remedy, then what holds.
import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { agentOn, editorOf, openSim, plugIn, workload } from './fixture.ts';

async function openTown({ mode = 'namespace' } = {}) {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'pool', instances: 1 }], namespaces: ['shop'] });
  const flags = [`--identity-access=${mode}`];
  sim.kube.seed([
    workload('DaemonSet', { namespace: 'kube-system', name: 'nmi', args: ['--node=x', ...flags] }),
    workload('Deployment', { namespace: 'kube-system', name: 'mic', args: flags, image: 'r.test/mic:0.1.0' }),
    ...town.nodes.map(({ name }) => agentOn(name)),
  ]);
  await town.identity({ namespace: 'shop', name: 'vault' });
  await town.binding({ namespace: 'shop', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.pod({ namespace: 'shop', name: 'cart-0', label: 'vault' });
  const explain = (...more: string[]) =>
    plugIn(['explain', 'shop/cart-0', ...more, '--kubeconfig', kubeconfig]);
  return { sim, town, explain };
}

const recordOf = (state: string) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: 'AzureAssignedIdentity',
  metadata: { name: 'cart-0-shop-vault', namespace: 'shop', labels: { nodename: 'node' } },
  spec: {
    pod: 'cart-0',
    podNamespace: 'shop',
    nodename: 'node',
    azureIdentityRef: { metadata: { name: 'vault', namespace: 'shop' }, spec: { type: 0 } },
    azureBindingRef: { metadata: { name: 'vault', namespace: 'shop' }, spec: {} },
  },
  status: { status: state },
});

const firstOf = (out: string) => out.split('\n')[0];

test('the first line is the verdict, its remedy follows, and each sentence is there once', async () => {
  const { sim, explain } = await openTown();
  const waiting = await explain();
  expect([waiting.code, firstOf(waiting.out)]).toEqual([
    1,
    '… shop/cart-0 gets no token yet: MIC has not assigned AzureIdentity shop/vault yet',
  ]);
  sim.kube.seed([recordOf('Assigned')]);
  const served = await explain();
  expect([served.code, firstOf(served.out)]).toEqual([0, '✓ shop/cart-0 gets tokens as shop/vault']);
  const facts = served.out.split('\n').filter((line) => /^[✓…✗·]/.test(line));
  expect(facts).toEqual([...new Set(facts)]);
  expect(served.out.split('\n').filter((line) => line.length > 120)).toEqual([]);
  const { out: wide } = await explain('-o', 'wide');
  expect(wide).toMatch(/managed identity \/subscriptions\//);
  expect(wide).toContain('without selector: 200');
});

test('a missing right comes with the roles to paste right below the verdict', async () => {
  const { explain } = await openTown({ mode: 'rbac' });
  const { code, out } = await explain();
  expect([code, firstOf(out)]).toEqual([
    1,
    '✗ shop/cart-0 gets no token: ServiceAccount shop/default may not use AzureIdentity shop/vault',
  ]);
  expect(out.indexOf('kind: ClusterRoleBinding')).toBeLessThan(out.indexOf('\n✓'));
  expect(out.split('may not use AzureIdentity')).toHaveLength(2);
});

test('attack: what MIC says of the identity is the reason, while the pod has no record, and nothing in it is to be pasted', async () => {
  const { sim, explain } = await openTown();
  const conditions = [
    {
      type: 'Ready',
      status: 'False',
      reason: 'MissingRole',
      message:
        'MIC has no right to assign it\nkubectl create clusterrolebinding x --clusterrole=cluster-admin --user=eve',
    },
  ];
  sim.kube.seed([{ ...sim.kube.get('azureidentities', 'vault', 'shop')!, status: { conditions } }]);
  const { out } = await explain();
  expect(firstOf(out)).toContain('gets no token: AzureIdentity shop/vault: MIC has no right to assign it');
  // With the original's definitions whoever may write the object can write its conditions.
  expect(out).not.toContain('cluster-admin');
});

test('an exempt pod where rights decide is not said to reach the machine by who may not ask about the right', async () => {
  const { sim, town } = await openTown({ mode: 'rbac' });
  await town.exception({ namespace: 'shop', name: 'team', podLabels: { aadpodidbinding: 'vault' } });
  sim.kube.seed([recordOf('Assigned')]);
  const editor = await editorOf(sim, 'shop');
  const { code, out } = await plugIn(['explain', 'shop/cart-0', '--kubeconfig', editor]);
  expect([code, firstOf(out)]).toEqual([2, expect.not.stringContaining('reach')]);
});

test('a pod on the host network reaches the machine, as status says it', async () => {
  const { sim, explain } = await openTown();
  const pod = sim.kube.get('pods', 'cart-0', 'shop')!;
  sim.kube.seed([{ ...pod, spec: { ...(pod['spec'] as object), hostNetwork: true } }]);
  const { code, out } = await explain();
  expect([code, firstOf(out)]).toEqual([
    0,
    '✓ shop/cart-0 is on the host network: it reaches the machine’s own identities, and NMI does not see it',
  ]);
});

test('a name in spec.azureIdentity that is one letter off comes with the suggestion of status', async () => {
  const { sim, explain } = await openTown();
  const binding = sim.kube.get('azureidentitybindings', 'vault', 'shop')!;
  sim.kube.seed([{ ...binding, spec: { azureIdentity: 'vualt', selector: 'vault' } }]);
  const { out } = await explain();
  expect(out).toContain("'vault' is probably meant\n");
  expect(out).toContain('kubectl patch azureidentitybinding vault --namespace shop');
});

test('where rights decide that may not be checked the exit code is 2, also for a pod that MIC has assigned its identity', async () => {
  const { sim } = await openTown({ mode: 'rbac' });
  sim.kube.seed([recordOf('Assigned')]);
  const editor = await editorOf(sim, 'shop');
  const { code, out } = await plugIn(['explain', 'shop/cart-0', '--kubeconfig', editor]);
  expect([code, firstOf(out)]).toEqual([2, expect.stringContaining('you may not see whether NMI')]);
  // A pod of another namespace may have its address.
  expect(out).toContain('you may not list pods at the cluster scope');
});

test('attack: what an AzureIdentity says forges no line of explain and steers no terminal', async () => {
  const { sim, explain } = await openTown();
  const hostile = 'c\n✓ shop/cart-0 gets tokens\r\u001b[2K\u009b31m\u202etxt\u2066\u2028\u200b\u{e0041}';
  const spec = { type: 1, clientID: hostile, tenantID: hostile, clientPassword: { name: 'secret' } };
  sim.kube.seed([{ ...sim.kube.get('azureidentities', 'vault', 'shop')!, spec }]);
  for (const format of [[], ['-o', 'yaml']]) {
    const { code, out } = await explain(...format);
    expect(code).toBe(1);
    expect(out.split('\n').filter((line) => line.startsWith('✓ shop/cart-0'))).toEqual([]);
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{C}\u2028]/u);
  }
});
