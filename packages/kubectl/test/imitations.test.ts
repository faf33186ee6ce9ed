// What an editor of one namespace can make look like MIC, NMI or the broker.
import { cluster, type KubeObject } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { readServices, type Services } from '../src/cluster/services.ts';
import type { PlugInCommand } from '../src/cli/command.ts';
import { openSim, plugIn, workload } from './fixture.ts';

const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
const services = (namespace: string, broker: string, more: readonly string[] = []) => [
  workload('Deployment', { namespace, name: 'mic', args: more, image: 'r.test/aad-pod-identity/mic:0.1.0' }),
  workload('DaemonSet', {
    namespace,
    name: 'nmi',
    args: ['--node=x', `--broker=${broker}`, '--broker-token-file=/t', ...more],
  }),
  workload('Deployment', { namespace: broker, name: 'broker', args: ['broker', '--broker-agent=a/nmi'] }),
];

/** The rights of the manifests, in part. */
const grant = (namespace: string, name: string, rules: readonly object[]): readonly KubeObject[] =>
  [
    { ...rbac, kind: 'ClusterRole', metadata: { name }, rules },
    {
      ...rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ] as KubeObject[];
const group = ['aadpodidentity.k8s.io'];
const rights = (namespace: string) => [
  ...grant(namespace, 'mic', [
    { apiGroups: group, resources: ['azureassignedidentities'], verbs: ['create'] },
  ]),
  ...grant(namespace, 'nmi', [
    { apiGroups: group, resources: ['azurepodidentityexceptions'], verbs: ['list'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
  ]),
];

async function servicesSeen(objects: readonly KubeObject[]): Promise<Services> {
  const { sim, kubeconfig } = await openSim();
  await cluster(sim, { namespaces: ['aaa', 'infra', 'infra-broker', 'aad-pod-identity'] });
  sim.kube.seed(objects);
  const seen = Promise.withResolvers<Services>();
  const command: PlugInCommand = {
    name: 'ask',
    summary: 'reads',
    examples: [],
    run: async (session) => {
      seen.resolve(await readServices({ kube: session.kube, signal: session.signal }));
      return 0;
    },
  };
  const { code, err } = await plugIn(['ask', '--kubeconfig', kubeconfig], { commands: [command] });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return seen.promise;
}
const keys = ({ nmi, mic, broker }: Services) =>
  [...mic, ...nmi, ...broker].map(({ namespace, name }) => `${namespace}/${name}`);
const lax = ['--forceNamespaced=false', '--identity-access=namespace'];

test.each<{ system: string; broker: string; more: readonly KubeObject[] }>([
  { system: 'aad-pod-identity', broker: 'aad-pod-identity-broker', more: [] },
  { system: 'infra', broker: 'infra-broker', more: rights('infra') },
])(
  'attack: a MIC, NMI and broker of an editor are not taken for those of namespace $system, although they come first',
  async ({ system, broker, more }) => {
    const seen = await servicesSeen([...services('aaa', 'aaa', lax), ...services(system, broker), ...more]);
    expect(keys(seen)).toEqual([`${system}/mic`, `${system}/nmi`, `${broker}/broker`]);
    expect(seen.imitations.join('\n')).toMatch(/aaa\/nmi .*aaa\/mic .*aaa\/broker /s);
    expect(seen.unknown).toEqual([]);
  },
);

test('attack: an image that is named as the original does not help', async () => {
  const original = workload('Deployment', {
    namespace: 'aaa',
    name: 'mic',
    args: [],
    image: 'mcr.microsoft.com/oss/azure/aad-pod-identity/mic:v1.8.17',
  });
  expect(keys(await servicesSeen([original]))).toEqual([]);
});

test('attack: a broker of an editor is neither run a program in nor trusted in Azure', async () => {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, {
    scaleSets: [{ name: 'vmss', instances: 1 }],
    namespaces: ['pay', 'aaa'],
  });
  await town.identity({ namespace: 'pay', name: 'vault' });
  sim.kube.seed(services('aaa', 'aaa'));
  const words = ['--tenant', '00000000-0000-0000-0000-00000000ad00'];
  const call = ['migrate', 'to-federated', 'pay/vault', ...words, '--kubeconfig', kubeconfig];
  const planned = await plugIn(call);
  expect(planned.code).toBe(1);
  expect(planned.out).toContain('no broker was found');
  expect(planned.out).not.toContain('aaa');
});

test('attack: the workloads of one namespace cost few reviews of rights, however many look like MIC', async () => {
  const { sim, kubeconfig } = await openSim();
  await cluster(sim, { namespaces: ['aaa', 'infra'] });
  const forged = Array.from({ length: 300 }, (_, at) =>
    workload('Deployment', { namespace: 'aaa', name: `mic-${at}`, args: [], image: 'r.test/mic:0.1.0' }),
  );
  sim.kube.seed([...forged, ...services('infra', 'infra-broker'), ...rights('infra')]);
  const seen = Promise.withResolvers<readonly [Services, number]>();
  const command: PlugInCommand = {
    name: 'ask',
    summary: 'reads',
    examples: [],
    run: async (session) => {
      let reviews = 0;
      const request: typeof session.kube.request = (one) => {
        if (one.path.endsWith('/subjectaccessreviews')) reviews += 1;
        return session.kube.request(one);
      };
      const reading = { kube: { ...session.kube, request }, signal: session.signal };
      seen.resolve([await readServices(reading), reviews]);
      return 0;
    },
  };
  await plugIn(['ask', '--kubeconfig', kubeconfig], { commands: [command] });
  const [found, reviews] = await seen.promise;
  expect(keys(found)).toEqual(['infra/mic', 'infra/nmi', 'infra-broker/broker']);
  expect(reviews).toBeLessThan(40);
});
