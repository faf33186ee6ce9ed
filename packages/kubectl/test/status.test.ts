import { cluster, type Cluster, type KubeObject, type Sim } from '@pod-identity/sim';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { editorOf, openSim, plugIn } from './fixture.ts';

const system = 'aad-pod-identity';
const read = async (file: string) => {
  const text = await readFile(new URL(`../../../deploy/base/${file}`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
};

interface Installed {
  readonly sim: Sim;
  readonly kubeconfig: string;
  readonly town: Cluster;
}

/** MIC and NMI as their manifests install them, on two nodes. */
async function installed({ readyAgents = 2 } = {}): Promise<Installed> {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, {
    scaleSets: [{ name: 'vmss', instances: 2 }],
    namespaces: ['shop', 'pay', system],
  });
  const [mic = {} as KubeObject] = await read('mic/deployment.yaml');
  const [nmi = {} as KubeObject] = await read('nmi/daemonset.yaml');
  const uid = 'nmi-uid';
  sim.kube.seed([
    { ...mic, status: { readyReplicas: 2 } },
    {
      ...nmi,
      metadata: { ...nmi.metadata, uid },
      status: { desiredNumberScheduled: 2, numberReady: readyAgents },
    },
    ...town.nodes.map(({ name: node }, at) => agent({ node, uid, isReady: at < readyAgents })),
    // Somebody else's, with the same labels.
    agent({ node: 'elsewhere', uid: 'other', isReady: false }),
  ]);
  return { sim, kubeconfig, town };
}

const agent = (of: { node: string; uid: string; isReady: boolean }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `nmi-${of.node}-${of.uid}`,
    namespace: system,
    labels: { component: 'nmi', tier: 'node' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid: of.uid }],
  },
  spec: { nodeName: of.node, containers: [{ name: 'nmi', image: 'example/aad-pod-identity/nmi:0.1.0' }] },
  status: {
    conditions: [{ type: 'Ready', status: of.isReady ? 'True' : 'False' }],
    containerStatuses: [
      { name: 'nmi', restartCount: 0, state: of.isReady ? {} : { waiting: { reason: 'CrashLoopBackOff' } } },
    ],
  },
});

async function bound({ town }: Installed, namespace: string, name: string): Promise<void> {
  await town.identity({ namespace, name });
  await town.binding({ namespace, name, identity: name, selector: name });
  await town.pod({ namespace, name: `${name}-0`, label: name });
}

test('causes first, worst first, each with its pods, who must act and the remedy', async () => {
  const all = await installed({ readyAgents: 1 });
  await bound(all, 'shop', 'reader');
  await all.town.binding({ namespace: 'shop', name: 'lost', identity: 'raeder', selector: 'lost' });
  await all.town.pod({ namespace: 'shop', name: 'typo-0', label: 'raeder' });
  const { code, out } = await plugIn(['status', '-n', 'shop', '--kubeconfig', all.kubeconfig]);
  expect(code).toBe(1);
  expect(out).toMatch(/^namespace shop; -A for all$/m);
  expect(out).toMatch(
    /^problem: no AzureIdentityBinding has the selector 'raeder'.*\n {4}shop\) · pod shop\/typo-0 · editor of the namespace$/m,
  );
  expect(out).toContain("'reader' is probably meant");
  expect(out).toMatch(
    /^problem: AzureIdentityBinding shop\/lost names AzureIdentity shop\/raeder, which does not/m,
  );
  expect(out).toMatch(/^mic aad-pod-identity\/mic: ok, 2 of 2 ready/m);
  expect(out).toMatch(/NMI on node \S+ is not ready \(CrashLoopBackOff\)/);
  const lines = out.split('\n').filter((line) => !line.startsWith('  $ '));
  expect(lines.filter(({ length }) => length > 120)).toEqual([]);
});

test('who may not look for NMI is not told by the exit code that all is well', async () => {
  const all = await installed({ readyAgents: 0 });
  await bound(all, 'shop', 'reader');
  const nodename = all.town.nodes[0]?.name ?? '';
  const metadata = { name: 'reader-0-shop-reader', namespace: 'shop', labels: { nodename } };
  const [azureIdentityRef, azureBindingRef] = ['azureidentities', 'azureidentitybindings'].map((kind) =>
    all.sim.kube.get(kind, 'reader', 'shop'),
  );
  const spec = { pod: 'reader-0', podNamespace: 'shop', nodename, azureIdentityRef, azureBindingRef };
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  all.sim.kube.seed([
    { apiVersion, kind: 'AzureAssignedIdentity', metadata, spec, status: { status: 'Assigned' } },
  ]);
  const { code, out, err } = await plugIn([
    'status',
    '-n',
    'shop',
    '--kubeconfig',
    await editorOf(all.sim, 'shop'),
  ]);
  expect(out).toContain('1 pod: 1 ok');
  expect(err).toContain('not known: you may not list daemonsets.apps');
  expect(code).toBe(2);
});
