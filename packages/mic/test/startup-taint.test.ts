import { afterEach, expect, test } from 'vitest';
import { own, setStage, type RunningMic, type Stage } from './stage.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const nmi = { namespace: own, name: 'nmi' };
const startupTaint = key;
const gpu = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid: 'd', controller: true };
const labels = { component: 'nmi', tier: 'node' };

let stage: Stage;
afterEach(() => stage.close());

const enter = async () => {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 2 }], namespaces: ['team'] });
  const [node = '', other = ''] = stage.town.nodes.map(({ name }) => name);
  return { node, other };
};
const call = (method: string, path: string, body?: object) => stage.town.client.request(method, path, body);
const taint = (node: string, taints: readonly object[] = [gpu, { key, effect: 'NoSchedule' }]) =>
  call('PATCH', `/api/v1/nodes/${node}`, { spec: { taints } });
const taintsOf = (node: string) => {
  const found = stage.sim.kube.list('nodes').find(({ metadata }) => metadata.name === node);
  return ((found?.['spec'] as { taints?: { key: string }[] } | undefined)?.taints ?? []).map(
    (each) => each.key,
  );
};
const untainted = (node: string) => stage.until(() => !taintsOf(node).includes(key));

interface AgentPod {
  readonly name: string;
  readonly node: string;
  readonly namespace?: string;
  readonly metadata?: object;
}
const runAgent = async ({ name, node, namespace = own, metadata = {} }: AgentPod) => {
  await call('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ownerReferences: [owner], ...metadata },
    spec: { nodeName: node, containers: [{ name: 'nmi', image: 'nmi' }] },
  });
  await ready({ name, node, namespace });
};
const ready = ({ name, namespace = own }: AgentPod, status = 'True') =>
  call('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, {
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status, lastTransitionTime: new Date().toISOString() }],
    },
  });
/** Resolves when MIC has seen all earlier writes: it removes the taint of a later node. */
const seenAllUpTo = async (other: string) => {
  await runAgent({ name: 'nmi-other', node: other });
  await taint(other);
  await untainted(other);
};
const started = (): Promise<RunningMic> => stage.startMic({ startupTaint, nmi });

test('MIC removes the start-up taint of a node when NMI of that node is ready, and keeps other taints', async () => {
  const { node, other } = await enter();
  await taint(node);
  await taint(other);
  const mic = await started();
  await runAgent({ name: 'nmi-1', node });
  await untainted(node);
  expect([taintsOf(node), taintsOf(other)]).toEqual([['gpu'], ['gpu', key]]);
  await mic.stop();
  expect(mic.lines.filter((line) => line.includes('start-up taint removed'))).toHaveLength(1);
});

test('a Node object that was recreated with the taint loses it again', async () => {
  const { node } = await enter();
  await runAgent({ name: 'nmi-1', node });
  await started();
  for (let time = 0; time < 2; time += 1) {
    await taint(node);
    await untainted(node);
  }
});

test("attack: a pod of another namespace with NMI's name, labels and owner removes no taint", async () => {
  const { node, other } = await enter();
  await taint(node);
  await started();
  await runAgent({ name: 'nmi-1', node, namespace: 'team' });
  await seenAllUpTo(other);
  expect(taintsOf(node)).toContain(key);
});
