// Reports on canaries, and a start-up taint that waits for them, on a simulated cluster.
import { afterEach, expect, test } from 'vitest';
import { own, setStage, type Stage } from './stage.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const nmi = { namespace: own, name: 'nmi' };
const canary = { namespace: own, name: 'nmi-canary' };
const startupTaint = { key, waitsFor: 'canary' } as const;

let stage: Stage;
afterEach(() => stage.close());

const call = (method: string, path: string, body?: object) => stage.town.client.request(method, path, body);
const taintsOf = (node: string) => {
  const found = stage.sim.kube.list('nodes').find(({ metadata }) => metadata.name === node);
  return ((found?.['spec'] as { taints?: { key: string }[] } | undefined)?.taints ?? []).length;
};

const enter = async () => {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 2 }], namespaces: ['team'] });
  const [node = '', other = ''] = stage.town.nodes.map(({ name }) => name);
  return { node, other };
};
const taint = (node: string) =>
  call('PATCH', `/api/v1/nodes/${node}`, { spec: { taints: [{ key, effect: 'NoSchedule' }] } });

/** A pod of a DaemonSet, as the kubelet of its node says that it is. */
const run = async (
  of: { readonly name: string; readonly namespace: string },
  node: string,
  status: 'True' | 'False' = 'True',
) => {
  const { name, namespace } = of;
  const pod = `${name}-${node}`;
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid: name, controller: true };
  await call('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace, labels: { component: name }, ownerReferences: [owner] },
    spec: { nodeName: node, containers: [{ name, image: name }] },
  });
  await setReady(`${namespace}/${pod}`, status);
};
const setReady = (key: string, status: 'True' | 'False') => {
  const [namespace, name] = key.split('/');
  return call('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, {
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status, lastTransitionTime: new Date().toISOString() }],
    },
  });
};
const events = () =>
  stage.sim.kube.list('events').flatMap((event) => {
    const { involvedObject, reason } = event as unknown as {
      involvedObject: { kind: string; name: string };
      reason: string;
    };
    return involvedObject.kind === 'Node' ? [`${involvedObject.name} ${reason}`] : [];
  });
/** The clock of MIC is wound on until it has looked often enough. */
const untilTold = async (line: string) => {
  const winding = setInterval(() => stage.warp(10_000), 20);
  await stage.until(() => events().includes(line), line).finally(() => clearInterval(winding));
};

test('the taint waits for the canary, and the node says why; the canary of another namespace is none', async () => {
  const { node } = await enter();
  await taint(node);
  await stage.startMic({ startupTaint, nmi, canary });
  await run({ ...canary, namespace: 'team' }, node);
  await run(nmi, node);
  await untilTold(`${node} CanaryMissing`);
  expect(taintsOf(node)).toBe(1);
  await run(canary, node);
  await stage.until(() => taintsOf(node) === 0);
});

test('a canary that is not ready and ready again is an Event on its node and a number', async () => {
  const { node, other } = await enter();
  const mic = await stage.startMic({ nmi, canary });
  for (const name of [node, other]) {
    await run(nmi, name);
    await run(canary, name);
  }
  const counts = async () =>
    [...(await mic.metrics()).matchAll(/canary_nodes\{state="[\w-]+"\} (\d+)/g)].map(([, count]) => count);
  await setReady(`${own}/nmi-canary-${node}`, 'False');
  await untilTold(`${node} CanaryNotReady`);
  expect(await counts()).toEqual(['1', '1', '0']);
  await setReady(`${own}/nmi-canary-${node}`, 'True');
  await untilTold(`${node} CanaryReady`);
  expect(await counts()).toEqual(['2', '0', '0']);
  expect(events().sort()).toEqual([`${node} CanaryNotReady`, `${node} CanaryReady`]);
});
