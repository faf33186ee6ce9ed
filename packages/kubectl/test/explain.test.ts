// explain, from lists that are read once: the verdict first, then the remedy, then what holds.
import { cluster, type KubeObject, type Sim } from '@pod-identity/sim';
import { describe, expect, test } from 'vitest';
import { agentOn, editorOf, openSim, plugIn, workload } from './fixture.ts';

async function openTown({ mode = 'namespace', hostNetwork = false } = {}) {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, {
    scaleSets: [{ name: 'pool', instances: 1 }],
    namespaces: ['shop'],
  });
  const flags = [`--identity-access=${mode}`];
  sim.kube.seed([
    workload('DaemonSet', { namespace: 'kube-system', name: 'nmi', args: ['--node=x', ...flags] }),
    workload('Deployment', { namespace: 'kube-system', name: 'mic', args: flags, image: 'r.test/mic:0.1.0' }),
    ...town.nodes.map(({ name }) => agentOn(name)),
  ]);
  await town.identity({ namespace: 'shop', name: 'vault' });
  await town.binding({ namespace: 'shop', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.pod({ namespace: 'shop', name: 'cart-0', label: 'vault' });
  if (hostNetwork) {
    const pod = sim.kube.get('pods', 'cart-0', 'shop')!;
    sim.kube.seed([{ ...pod, spec: { ...(pod['spec'] as object), hostNetwork: true } }]);
  }
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

test('a right that is there now, and which MIC misses, is told as granted', async () => {
  const { sim, explain } = await openTown();
  const conditions = [{ type: 'Ready', status: 'False', reason: 'AccessDenied', message: 'no right' }];
  sim.kube.seed([{ ...sim.kube.get('azureidentities', 'vault', 'shop')!, status: { conditions } }]);
  expect(firstOf((await explain()).out)).toContain('is granted; MIC looks again within 5 minutes');
});

test('a pod on the host network reaches the machine, in the words of status', async () => {
  const { explain } = await openTown({ hostNetwork: true });
  const { code, out } = await explain();
  expect([code, firstOf(out)]).toEqual([
    0,
    expect.stringMatching(/^✓ shop\/cart-0 is on the host network: it reaches the machine/),
  ]);
  expect(out).not.toMatch(/^✗/m);
});

describe('an exempt pod where rights decide', () => {
  const exempt = async () => {
    const town = await openTown({ mode: 'rbac' });
    const metadata = { name: 'team', namespace: 'shop' };
    const spec = { podLabels: { aadpodidbinding: 'vault' } };
    const kind = 'AzurePodIdentityException';
    town.sim.kube.seed([
      { apiVersion: 'aadpodidentity.k8s.io/v1', kind, metadata, spec },
      recordOf('Assigned'),
    ]);
    return town;
  };
  const granted = (sim: Sim, resources: readonly string[]) => {
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'use' } };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'use' };
    const subjects = [{ kind: 'ServiceAccount', name: 'default', namespace: 'shop' }];
    const rules = [{ apiGroups: ['azure.aadpodidentity.k8s.io'], resources, verbs: ['use'] }];
    sim.kube.seed([
      { ...rbac, kind: 'ClusterRole', rules },
      { ...rbac, kind: 'ClusterRoleBinding', roleRef, subjects },
    ] as KubeObject[]);
  };

  test('reaches the machine with the right on it', async () => {
    const { sim, explain } = await exempt();
    granted(sim, ['virtualmachinescalesets', 'machines']);
    const { code, out } = await explain();
    expect([code, firstOf(out)]).toEqual([0, expect.stringContaining('lets it reach the machine')]);
  });

  test('has what bindings give it without that right', async () => {
    const { sim, explain } = await exempt();
    granted(sim, ['managedidentities']);
    const { code, out } = await explain();
    expect([code, firstOf(out)]).toEqual([0, '✓ shop/cart-0 gets tokens as shop/vault']);
  });

  test('is told of the roles for the machine without that right and a binding', async () => {
    const { sim, explain } = await exempt();
    const binding = sim.kube.get('azureidentitybindings', 'vault', 'shop')!;
    sim.kube.seed([{ ...binding, spec: { azureIdentity: 'vault', selector: 'others' } }]);
    const { code, out } = await explain();
    expect([code, firstOf(out)]).toEqual([
      1,
      '✗ shop/cart-0 gets no token: ServiceAccount shop/default may not use the identities of this machine',
    ]);
    expect(out).toContain('resources: [machines]');
  });

  test('is not said to reach the machine by who may not ask about the right', async () => {
    const { sim } = await exempt();
    const editor = await editorOf(sim, 'shop');
    const { code, out } = await plugIn(['explain', 'shop/cart-0', '--kubeconfig', editor]);
    expect([code, firstOf(out)]).toEqual([2, expect.not.stringContaining('reach')]);
  });
});

test('who may not list records is not told that the pod gets tokens', async () => {
  const { sim } = await openTown();
  const rules = [
    { apiGroups: [''], resources: ['pods', 'nodes', 'namespaces'], verbs: ['get', 'list'] },
    { apiGroups: ['apps'], resources: ['*'], verbs: ['list'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['*'], verbs: ['create'] },
    {
      apiGroups: ['aadpodidentity.k8s.io'],
      resources: ['azureidentities', 'azureidentitybindings', 'azurepodidentityexceptions'],
      verbs: ['list'],
    },
  ];
  const editor = await editorOf(sim, 'pay');
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'most' } };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'most' };
  const subjects = [{ kind: 'ServiceAccount', name: 'editor', namespace: 'pay' }];
  sim.kube.seed([
    { ...rbac, kind: 'ClusterRole', rules },
    { ...rbac, kind: 'ClusterRoleBinding', roleRef, subjects },
  ] as KubeObject[]);
  const { code, out } = await plugIn(['explain', 'shop/cart-0', '--kubeconfig', editor]);
  expect([code, firstOf(out)]).toEqual([2, expect.stringContaining('what MIC has assigned is not known')]);
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
  expect([code, firstOf(out)]).toEqual([2, expect.stringContaining('which you may not check')]);
  // A pod of another namespace may have its address.
  expect(out).toContain('you may not list pods at the cluster scope');
});

test('a binding of another namespace comes with its objects as YAML, and a label one letter off with the command', async () => {
  const { sim, town, explain } = await openTown();
  const pod = sim.kube.get('pods', 'cart-0', 'shop')!;
  const labelled = async (aadpodidbinding: string) => {
    sim.kube.seed([{ ...pod, metadata: { ...pod.metadata, labels: { aadpodidbinding } } }]);
    return (await explain()).out;
  };
  expect(await labelled('valt')).toContain('--overwrite aadpodidbinding=vault');
  await town.identity({ namespace: 'default', name: 'till' });
  await town.binding({ namespace: 'default', name: 'till', identity: 'till', selector: 'till' });
  expect(await labelled('till')).toContain(
    'kind: AzureIdentityBinding\nmetadata: {"name":"till","namespace":"shop"}\nspec: ',
  );
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
