// Updates of NMI with surge on a real Kubernetes 1.34, good ones and broken ones, while pods request tokens without end.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import {
  agentsOf,
  broken,
  createAccountWithoutReviews,
  isReady,
  revisionOf,
  startedBy,
  untilAgent,
  untilNoAgent,
  updateNmi,
} from '../cluster/broken-nmi.ts';
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

const restartsOf = (pod: KubeObject) => {
  const { containerStatuses = [] } = scene.statusOf(pod);
  return [pod.metadata.name, ...containerStatuses.map(({ restartCount }) => restartCount)];
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
    await grantRight(stage);
    await createAccountWithoutReviews(stage);
    ({ clientId } = await scene.bindIdentity(stage, 'load'));
    await rolledOut(stage, 'daemonset/nmi');
    load = await startLoad(stage, 'load');
    await stage.bypasses();
  });
  afterAll(() => stop());

  const nmi = ['--namespace', names.systemNamespace, 'daemonset/nmi'];

  test.each(Object.entries(broken))(
    'one %s stops at the first node, and no call fails',
    async (_, specOf) => {
      const before = await agentsOf(stage);
      const begin = load.begin();
      await updateNmi(stage, specOf);
      const first = await untilAgent(stage, (pod) => revisionOf(pod) !== revisionOf(before[0]!));
      // Longer than an update of both nodes takes.
      const during = await load.since(begin, 1_500);
      const now = await agentsOf(stage);
      const old = now.filter((pod) => revisionOf(pod) === revisionOf(before[0]!));
      expect(old.map(({ metadata }) => metadata.name).toSorted()).toEqual(
        before.map(({ metadata }) => metadata.name).toSorted(),
      );
      expect(old.every(isReady)).toBe(true);
      expect(now.filter((pod) => !old.includes(pod)).map(isReady)).toEqual([false]);
      expect(during).toMatchObject({ applications: [clientId], failures: {} });

      await stage.kubectl('rollout', 'undo', ...nmi);
      await withState(stage, () => untilNoAgent(stage, (pod) => revisionOf(pod) === revisionOf(first)));
      expect(await load.since(begin, 20)).toMatchObject({ applications: [clientId], failures: {} });
      expect((await agentsOf(stage)).map(({ metadata }) => metadata.name).toSorted()).toEqual(
        before.map(({ metadata }) => metadata.name).toSorted(),
      );
    },
  );

  test('a Pod with the host ports of NMI gets none of its calls, and NMI stays ready', async () => {
    const [node] = stage.nodes;
    await allowHostPorts(node);
    const before = await agentsOf(stage);
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
    const now = await agentsOf(stage);
    expect(now.map(restartsOf)).toEqual(before.map(restartsOf));
    expect(now.map(isReady)).toEqual([true, true]);
    await scene.removePod(stage, 'port-taker');
  });

  test('one that starts slowly replaces the old one after it is ready, and no call fails', async () => {
    const begin = load.begin();
    await updateNmi(stage, () => ({
      containers: [startedBy("setTimeout(() => import('/app/nmi.js'), 15_000)")],
    }));
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
async function grantRight(stage: ClusterStage): Promise<void> {
  const rbac = 'rbac.authorization.k8s.io';
  const rule = {
    apiGroups: ['azure.aadpodidentity.k8s.io'],
    resources: ['managedidentities'],
    verbs: ['use'],
  };
  const metadata = { name: 'identity-user' };
  await stage.create({ apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata, rules: [rule] });
  await stage.create({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
  });
}
