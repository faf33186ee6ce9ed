// Updates of NMI with surge on a real Kubernetes 1.34, good ones and broken ones, while pods request tokens without end.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import { startLoad, type Load } from '../cluster/load.ts';
import { rolledOut, withState } from '../cluster/rollout.ts';
import * as scene from '../cluster/scene.ts';
import { openClusterStage, type ClusterStage, type StageNode } from '../cluster/stage.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`skipped updates on a real cluster of Kubernetes 1.34: ${missing}`);

/** POD_IDENTITY_UPDATES=20 takes ten minutes. */
const updatesInARow = Number(process.env['POD_IDENTITY_UPDATES'] ?? '3');
/** An update of both nodes takes most of a minute, on a busy machine two. */
const timeout = 300_000 + updatesInARow * 120_000;

const agents = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace });
const isAgent = ({ metadata }: KubeObject) => metadata.labels?.['component'] === 'nmi';
const revisionOf = ({ metadata }: KubeObject) => metadata.labels?.['controller-revision-hash'] ?? '';
const isReady = (pod: KubeObject) =>
  scene.statusOf(pod).conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
const restartsOf = ({ metadata, ...pod }: KubeObject) => {
  const { containerStatuses = [] } = (pod['status'] ?? {}) as {
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
  return [metadata.name, ...containerStatuses.map(({ restartCount }) => restartCount)];
};
/** Runs the agent after another program. */
const startedBy = (program: string) => ({
  command: ['/usr/bin/node', '-e', `process.argv.splice(1, 0, '/app/nmi.js'); ${program}`, '--'],
});
const agent = { name: 'nmi', image: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0' };

/** Strategic merge patches of the pods of NMI. */
const broken: Readonly<Record<string, object>> = {
  'whose API server does not answer': {
    containers: [{ ...agent, env: [{ name: 'KUBERNETES_SERVICE_HOST', value: '10.40.0.99' }] }],
  },
  'whose account has no right': { serviceAccountName: 'default', serviceAccount: 'default' },
  'whose account may not ask for rights of pods': {
    serviceAccountName: 'nmi-without-reviews',
    serviceAccount: 'nmi-without-reviews',
  },
  'that ends when it starts': { containers: [{ ...agent, ...startedBy('process.exit(1)') }] },
};

describe.skipIf(missing !== undefined)('updates of NMI with surge on Kubernetes 1.34', { timeout }, () => {
  let stage: ClusterStage;
  let clientId: string;
  let load: Load;
  let stop: () => Promise<void> = () => Promise.resolve();

  beforeAll(async () => {
    stage = await openClusterStage({ nodes: 2, flavour: 'v1.34' });
    stop = () => stage.stop();
    await stage.prepare();
    await stage.kubectl('apply', '-k', inDeploy('overlays/standard'));
    await grantRights(stage);
    ({ clientId } = await scene.bindIdentity(stage, 'load'));
    await rolledOut(stage, 'daemonset/nmi');
    load = await startLoad(stage, 'load');
    await stage.bypasses();
  });
  afterAll(() => stop());

  const agentsNow = async () =>
    ((await stage.kube.request({ method: 'GET', path: agents })) as { items: KubeObject[] }).items.filter(
      isAgent,
    );
  const nmi = ['--namespace', names.systemNamespace, 'daemonset/nmi'];
  const update = (spec: object) =>
    stage.kubectl('patch', ...nmi, `--patch=${JSON.stringify({ spec: { template: { spec } } })}`);

  test.each(Object.entries(broken))('one %s stops at the first node, and no call fails', async (_, spec) => {
    const before = await agentsNow();
    const begin = load.begin();
    await update(spec);
    const first = await untilObject(stage.kube, {
      path: agents,
      fits: (pod) => isAgent(pod) && revisionOf(pod) !== revisionOf(before[0]!),
      withinMs: scene.patienceMs,
    });
    // Longer than an update of both nodes takes.
    const during = await load.since(begin, 1_500);
    const now = await agentsNow();
    const old = now.filter((pod) => revisionOf(pod) === revisionOf(before[0]!));
    expect(old.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      before.map(({ metadata }) => metadata.name).toSorted(),
    );
    expect(old.every(isReady)).toBe(true);
    expect(now.filter((pod) => !old.includes(pod)).map(isReady)).toEqual([false]);
    expect(during).toMatchObject({ applications: [clientId], failures: {} });

    await stage.kubectl('rollout', 'undo', ...nmi);
    await withState(stage, () =>
      untilNone(stage.kube, {
        path: agents,
        fits: (pod) => isAgent(pod) && revisionOf(pod) === revisionOf(first),
        withinMs: scene.patienceMs,
      }),
    );
    expect(await load.since(begin, 20)).toMatchObject({ applications: [clientId], failures: {} });
    expect((await agentsNow()).map(({ metadata }) => metadata.name).toSorted()).toEqual(
      before.map(({ metadata }) => metadata.name).toSorted(),
    );
  });

  test('a Pod with the host ports of NMI gets none of its calls, and NMI stays ready', async () => {
    const [node] = stage.nodes;
    await allowHostPorts(node);
    const before = await agentsNow();
    const begin = load.begin();
    await stage.create(portTaker(node.name, [2579, 8086, 9090, 7777]));
    await scene.untilPod(
      stage,
      { name: 'port-taker' },
      ({ conditions }) =>
        conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    );
    const ask = (address: string) => node.in('curl', '--silent', '--max-time', '10', `http://${address}`);
    expect(await ask(`${node.ip}:7777`)).toBe('port taker');
    expect(await ask('127.0.0.1:2579')).not.toContain('port taker');
    expect(await ask('127.0.0.1:8086/readyz')).toBe('ready\n');
    expect(await ask(`${node.ip}:9090/metrics`)).toContain('aadpodidentity_');
    expect(await load.since(begin, 1_500)).toMatchObject({ applications: [clientId], failures: {} });
    const now = await agentsNow();
    expect(now.map(restartsOf)).toEqual(before.map(restartsOf));
    expect(now.map(isReady)).toEqual([true, true]);
    await scene.removePod(stage, 'port-taker');
  });

  test('one that starts slowly replaces the old one after it is ready, and no call fails', async () => {
    const begin = load.begin();
    await update({
      containers: [{ ...agent, ...startedBy("setTimeout(() => import('/app/nmi.js'), 15_000)") }],
    });
    await rolledOut(stage, 'daemonset/nmi');
    await stage.kubectl('rollout', 'undo', ...nmi);
    await rolledOut(stage, 'daemonset/nmi');
    expect(await load.since(begin, 20)).toMatchObject({ applications: [clientId], failures: {} });
  });

  test('several updates in a row all end, and no call fails or is misdirected', async () => {
    const begin = load.begin();
    for (let update = 1; update <= updatesInARow; update += 1) {
      await stage.kubectl('rollout', 'restart', ...nmi);
      await rolledOut(stage, 'daemonset/nmi');
    }
    const { requests, ...rest } = await load.since(begin, 20);
    console.log(`NMI updated ${updatesInARow} times with surge: ${requests} requests`);
    expect(rest).toEqual({ applications: [clientId], failures: {} });
    expect(await stage.bypasses()).toEqual([]);
  });
});

/** Adds the plug-in for `hostPort` to the network of a node's pods. */
async function allowHostPorts(node: StageNode): Promise<void> {
  const path = '/etc/cni/net.d/10-kit.conflist';
  const network = JSON.parse(await node.on('cat', path)) as { readonly plugins: readonly object[] };
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  const text = JSON.stringify({ ...network, plugins: [...network.plugins, portmap] });
  await node.on('sh', '-c', `echo '${text}' > ${path}`);
}

/** A Pod that answers at these ports of its node. */
const portTaker = (node: string, ports: readonly number[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'port-taker', namespace: 'default' },
  spec: {
    nodeSelector: { 'kubernetes.io/hostname': node },
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'taker',
        image: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0',
        command: [
          '/usr/bin/node',
          '-e',
          "require('http').createServer((_, response) => response.end('port taker')).listen(8000)",
        ],
        ports: ports.map((hostPort) => ({ hostPort, containerPort: 8000 })),
        readinessProbe: { httpGet: { path: '/', port: 8000 }, periodSeconds: 1 },
      },
    ],
  },
});

/** The mode of the overlay is rbac. */
async function grantRights(stage: ClusterStage): Promise<void> {
  const rbac = 'rbac.authorization.k8s.io';
  const rule = {
    apiGroups: ['azure.aadpodidentity.k8s.io'],
    resources: ['managedidentities'],
    verbs: ['use'],
  };
  const bind = async (name: string, role: string, subject: { name: string; namespace: string }) =>
    stage.create({
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', ...subject }],
    });
  await stage.create({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: 'identity-user' },
    rules: [rule],
  });
  await bind('identity-user', 'identity-user', { name: 'default', namespace: 'default' });

  const path = `${pathOf({ apiVersion: `${rbac}/v1`, kind: 'ClusterRole' })}/pod-identity-nmi`;
  const { rules } = (await stage.kube.request({ method: 'GET', path })) as {
    readonly rules: readonly { readonly resources: readonly string[] }[];
  };
  const name = 'nmi-without-reviews';
  await stage.create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: names.systemNamespace },
  });
  await stage.create({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name },
    rules: rules.filter(({ resources }) => !resources.includes('subjectaccessreviews')),
  });
  await bind(name, name, { name, namespace: names.systemNamespace });
}
