import { cluster, customResourceDefinitions, type KubeObject, type Sim } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { agentOn, editorOf, openSim, plugIn, workload } from './fixture.ts';

const home = 'kube-system';
const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
const definitions = customResourceDefinitions();

const rightsOf = (name: 'mic' | 'nmi'): readonly KubeObject[] => {
  const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  const subjects = [{ kind: 'ServiceAccount', name, namespace: home }];
  return [
    { ...rbac, kind: 'ClusterRole', metadata: { name }, rules },
    { ...rbac, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects },
  ] as KubeObject[];
};

/** A cluster without a mistake. */
async function healthy(): Promise<{ readonly sim: Sim; readonly kubeconfig: string }> {
  const opened = await openSim();
  const { nodes } = await cluster(opened.sim, {
    scaleSets: [{ name: 'vmss', instances: 1 }],
    namespaces: ['pay', home],
  });
  opened.sim.kube.seed([
    workload('Deployment', { namespace: home, name: 'mic', args: [], image: 'r.test/mic:0.1.0' }),
    workload('DaemonSet', { namespace: home, name: 'nmi', args: ['--node=x'] }),
    ...nodes.map(({ name }) => agentOn(name)),
    ...definitions,
    ...rightsOf('mic'),
    ...rightsOf('nmi'),
  ]);
  return opened;
}

const withSpec = (one: KubeObject, change: (spec: Record<string, unknown>) => void): KubeObject => {
  const copy = structuredClone(one);
  change(copy['spec'] as Record<string, unknown>);
  return copy;
};
const first = definitions.find(({ metadata }) => metadata.name?.startsWith('azureidentities.'))!;

test('without a mistake there is one line for the checks that hold', async () => {
  const { kubeconfig } = await healthy();
  const { code, out, err } = await plugIn(['doctor', '-n', 'pay', '--kubeconfig', kubeconfig]);
  expect(out).toMatch(/^mic .*\nnmi .*\nno pods with identities\n16 checks hold$/);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const wide = await plugIn(['doctor', '-o', 'wide', '--kubeconfig', kubeconfig]);
  expect(wide.out).toMatch(/checks hold\n(?: {2}\S.*\n?){16}$/);
});

test.for<readonly [mistake: string, plant: (sim: Sim) => void, says: RegExp, remedy: string | undefined]>([
  [
    "the original's definition",
    ({ kube }) =>
      kube.seed([
        withSpec(first, (spec) => {
          const [version] = spec['versions'] as [{ schema: { openAPIV3Schema: Schema } }];
          const own = version.schema.openAPIV3Schema.properties?.['spec'];
          delete own?.['x-kubernetes-preserve-unknown-fields'];
          delete own?.properties?.['type'];
        }),
      ]),
    /is the original's or an old one: the API server drops spec\.type$/,
    'kubectl apply -f deploy/crds',
  ],
  [
    'a definition of v1beta1',
    ({ kube }) => kube.seed([withSpec(first, (spec) => (spec['preserveUnknownFields'] = true))]),
    /is of API v1beta1/,
    'kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions',
  ],
  [
    'a role of MIC that lost its rules',
    ({ kube }) => kube.seed([{ ...rightsOf('mic')[0]!, rules: [] }]),
    /^ServiceAccount kube-system\/mic may not create azureassignedidentities$/,
    undefined,
  ],
  [
    'an exception whose label all pods of a team have',
    ({ kube }) => {
      const apiVersion = 'aadpodidentity.k8s.io/v1';
      const metadata = { namespace: 'pay', name: 'agents' };
      const spec = { podLabels: { team: 'pay' } };
      const pods = ['web-0', 'web-1', 'job-0'].map((name) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'pay', name, labels: spec.podLabels },
        spec: { containers: [] },
      }));
      kube.seed([{ apiVersion, kind: 'AzurePodIdentityException', metadata, spec }, ...pods]);
    },
    /^AzurePodIdentityException pay\/agents matches the pods of a whole team/,
    'kubectl edit azurepodidentityexception agents --namespace pay',
  ],
])('named: %s', async ([, plant, says, remedy]) => {
  const { sim, kubeconfig } = await healthy();
  plant(sim);
  const { code, out } = await plugIn(['doctor', '-o', 'json', '--kubeconfig', kubeconfig]);
  const { causes, holding } = JSON.parse(out) as Parsed;
  expect(causes.map((cause) => [cause.text, cause.remedy?.command])).toEqual([
    [expect.stringMatching(says), remedy],
  ]);
  expect([code, holding.length]).toEqual([1, 15]);
});

interface Schema {
  readonly properties?: Record<string, Schema>;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

interface Parsed {
  readonly causes: readonly { readonly text: string; readonly remedy?: { readonly command?: string } }[];
  readonly holding: readonly string[];
}

test('what may not be read is said once, and no check of it holds', async () => {
  const { sim } = await healthy();
  const { code, out, err } = await plugIn(['doctor', '--kubeconfig', await editorOf(sim, 'pay')]);
  expect(out).toMatch(/^unknown: which pods there are is not known/m);
  expect(err).toMatch(/^not known: you may not list customresourcedefinitions/m);
  const lines = err.split('\n');
  expect(lines).toEqual([...new Set(lines)]);
  expect(out).toMatch(/^0 checks hold$/m);
  expect(code).toBe(2);
});
