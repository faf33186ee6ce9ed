import { cluster, type Cluster, type KubeObject, type Sim } from '@pod-identity/sim';
import { readFile } from 'node:fs/promises';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { afterwards, editorOf, openSim, plugIn } from './fixture.ts';

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

test('what waits and why, in a table: services, and what is not as it should be', async () => {
  const all = await installed({ readyAgents: 1 });
  await bound(all, 'shop', 'reader');
  await all.town.binding({ namespace: 'shop', name: 'lost', identity: 'none', selector: 'lost' });
  await all.town.pod({ namespace: 'shop', name: 'typo-0', label: 'raeder' });
  const { code, out, err } = await plugIn(['status', '-n', 'shop', '--kubeconfig', all.kubeconfig]);
  expect(code).toBe(1);
  expect(err).toBe('');
  expect(out).toMatch(/^KIND +NAMESPACE +NAME +STATE +ABOUT$/m);
  expect(out).toMatch(/^mic +aad-pod-identity +mic +ok +2 of 2 ready; version 0\.1\.0$/m);
  expect(out).toMatch(/^nmi +aad-pod-identity +nmi +problem +1 of 2 ready/m);
  expect(out).toMatch(/^agent .* problem +node \S+: not ready: CrashLoopBackOff$/m);
  expect(out).not.toMatch('elsewhere');
  expect(out).toMatch(/^identity +shop +reader +waiting/m);
  expect(out).toMatch(/^binding +shop +lost +problem +there is no AzureIdentity shop\/none/m);
  expect(out).toMatch(/^pod +shop +reader-0 +waiting .*AzureAssignedIdentity .* is not written yet$/m);
  expect(out).toMatch(/^pod +shop +typo-0 +problem/m);
  expect(out).toMatch(/2 pods \(1 problem, 1 waiting\)/);
});

test('why Azure refused an identity is said of its pod, without the commands', async () => {
  const all = await installed();
  await bound(all, 'shop', 'reader');
  const identity = all.sim.kube.get('azureidentities', 'reader', 'shop');
  const ready = {
    type: 'Ready',
    status: 'False',
    reason: 'Rejected',
    message: 'Azure refused it.\nrun:\n$ az',
  };
  if (identity !== undefined) all.sim.kube.seed([{ ...identity, status: { conditions: [ready] } }]);
  const { out, code } = await plugIn(['status', '-A', '-o', 'json', '--kubeconfig', all.kubeconfig]);
  const { rows, counts } = JSON.parse(out) as { rows: object[]; counts: object[] };
  const about = 'AzureIdentity shop/reader: Azure refused it.';
  expect(rows).toContainEqual(
    expect.objectContaining({ kind: 'pod', name: 'reader-0', state: 'problem', about }),
  );
  expect(counts).toContainEqual({ kind: 'pod', total: 1, states: { problem: 1 } });
  expect(code).toBe(1);
});

test('an editor of a namespace sees it, and is told what is not known', async () => {
  const all = await installed();
  await bound(all, 'shop', 'reader');
  await bound(all, 'pay', 'secret');
  const kubeconfig = await editorOf(all.sim, 'shop');
  const { code, out, err } = await plugIn(['status', '-n', 'shop', '--kubeconfig', kubeconfig]);
  expect(out).toMatch(/^pod +shop +reader-0 +waiting/m);
  expect(out).not.toMatch(/secret|node-missing|does not exist/);
  expect(err).toMatch(/^not known: you may not list daemonsets\.apps at the cluster scope$/m);
  expect(err).toMatch(/^not known: not taken .*, since you may not list them: namespaces, nodes$/m);
  expect(code).toBe(0);
});

test('attack: a binding elsewhere that selects pods of a namespace which may not be listed is not waited for', async () => {
  const all = await installed();
  await bound(all, 'shop', 'reader');
  await bound(all, 'pay', 'secret');
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  const rules = [{ apiGroups: ['aadpodidentity.k8s.io'], resources: ['*'], verbs: ['list', 'watch'] }];
  all.sim.kube.seed([
    {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: { name: 'wide', namespace: 'pay' },
      spec: { azureIdentity: 'secret', podSelector: { matchLabels: { app: 'web' } } },
    },
    { ...rbac, kind: 'ClusterRole', metadata: { name: 'sees-all' }, rules },
    {
      ...rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'sees-all' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sees-all' },
      subjects: [{ kind: 'ServiceAccount', name: 'editor', namespace: 'shop' }],
    },
  ] as KubeObject[]);
  const kubeconfig = await editorOf(all.sim, 'shop');
  const { code, out } = await plugIn(['status', '-n', 'shop', '--kubeconfig', kubeconfig]);
  expect(out).toMatch(/^pod +shop +reader-0 +waiting/m);
  expect(code).toBe(0);
  const access = await plugIn(['access', '-n', 'shop', '--kubeconfig', kubeconfig]);
  expect(access.out).toMatch(/^shop\/reader-0 /m);
  const everywhere = await plugIn(['status', '-A', '--kubeconfig', kubeconfig]);
  expect(everywhere.err).toMatch(/since you may not list them: namespaces, nodes, pods$/m);
  expect(everywhere.code).toBe(2);
});

test('who may read nothing gets no verdict', async () => {
  const all = await installed();
  const kubeconfig = await editorOf(all.sim, 'shop');
  const { code, err } = await plugIn(['status', '-n', 'pay', '--kubeconfig', kubeconfig]);
  expect(err).toMatch(/since you may not list them: .*azureidentities, /);
  expect(code).toBe(2);
});

test('--watch prints again when something has changed, until it is interrupted', async () => {
  const all = await installed();
  await bound(all, 'shop', 'reader');
  const controller = new AbortController();
  afterwards(() => controller.abort());
  const printed: string[] = [];
  const first = Promise.withResolvers<undefined>();
  const print = (line: string) => {
    printed.push(line);
    if (line.includes('1 pod (')) first.resolve(undefined);
  };
  const clock = createFakeClock();
  const argv = ['status', '-n', 'shop', '--watch', '--kubeconfig', all.kubeconfig];
  const running = plugIn(argv, { print, clock, signal: controller.signal });
  await first.promise;
  await all.town.pod({ namespace: 'shop', name: 'late', label: 'reader' });
  // It reads again every two seconds.
  while (!printed.some((line) => line.includes('2 pods ('))) {
    await clock.advance(2_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  controller.abort();
  expect((await running).code).toBe(0);
  expect(printed.filter((line) => / pods? \(/.test(line)).map((line) => /\d pods?/.exec(line)?.[0])).toEqual([
    '1 pod',
    '2 pods',
  ]);
});
