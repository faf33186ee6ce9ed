// The canary on a real cluster of one node: NMI, MIC and the canary from the manifests of deploy/, real kubelet probes, and a second
// interceptor that leads calls of pods past NMI.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../../stage/cleanup.ts';
import * as names from '../../stage/names.ts';
import { pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { untilObject } from '../../stage/until.ts';
import { within } from '../../stage/within.ts';
import { openClusterStage, type ClusterStage, type StageNode } from '../cluster/stage.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`the canary is skipped on a real cluster: ${missing}`);

const taint = { key: 'aadpodidentity.k8s.io/nmi-not-ready', value: 'true', effect: 'NoSchedule' };
const systemPods = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace });
const nodes = pathOf({ apiVersion: 'v1', kind: 'Node' });
const events = pathOf({ apiVersion: 'v1', kind: 'Event', namespace: 'default' });
const canaryFlags = ['--canary-daemonset=aad-pod-identity/nmi-canary', '--startup-taint-waits-for=canary'];
const interceptorPort = 8254;

interface PodStatus {
  readonly podIP?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}
const statusOf = (pod: KubeObject) => (pod['status'] ?? {}) as PodStatus;
const readiness = (pod: KubeObject) => statusOf(pod).conditions?.find(({ type }) => type === 'Ready')?.status;

describe.skipIf(missing !== undefined)('the canary on a real cluster', () => {
  let stage: ClusterStage;
  let machine: StageNode;
  const cleanup = createCleanup();

  beforeAll(async () => {
    stage = await openClusterStage({ nodes: 1 });
    cleanup.add(() => stage.stop());
    [machine] = stage.nodes;
    await stage.prepare();
  });
  afterAll(() => cleanup.run());

  const untilReady = (component: 'nmi' | 'nmi-canary', status: 'True' | 'False') =>
    untilObject(stage.kube, {
      path: systemPods,
      fits: (pod) => pod.metadata.labels?.['component'] === component && readiness(pod) === status,
    });
  const untilEvent = async (reason: string, times = 1) => {
    const event = await untilObject(stage.kube, {
      path: events,
      fits: (one) => one['reason'] === reason && Number(one['count']) >= times,
      withinMs: 120_000,
    });
    expect(event['involvedObject']).toMatchObject({ kind: 'Node', name: machine.name });
    return String(event['message']);
  };
  const isTainted = (node: KubeObject) => JSON.stringify(node['spec']).includes(taint.key);
  /** From the node, as kubelets and scrapers ask. */
  const get = (url: string) =>
    machine.in(
      process.execPath,
      '-e',
      'fetch(process.argv[1]).then(async (answer) => console.log(answer.status, await answer.text()))',
      url,
    );
  const answerOfCanary = async (pod: KubeObject) => get(`http://${statusOf(pod).podIP ?? ''}:8080/readyz`);
  const countedNodes = async () => {
    const text = await get(`http://${machine.ip}:8888/metrics`);
    return Object.fromEntries(
      [...text.matchAll(/canary_nodes\{state="([\w-]+)"\} (\d+)/g)].map(([, state, count]) => [state, count]),
    );
  };

  /** A proxy to the metadata service, and a rule before those of NMI that leads calls of pods there. Returns the function that removes the rule. */
  const leadPodsPastNmi = async () => {
    const program =
      "const { connect, createServer } = require('node:net');" +
      "createServer((pod) => { const service = connect(80, '169.254.169.254'); const end = () => (pod.destroy(), service.destroy());" +
      "pod.on('error', end).on('close', end); service.on('error', end).on('close', end); pod.pipe(service).pipe(pod); })" +
      `.listen(${interceptorPort}, '${machine.ip}', () => console.log('listening'));`;
    const args = ['netns', 'exec', machine.netns, process.execPath, '-e', program];
    const interceptor = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanup.add(() => interceptor.kill());
    await within(30_000, 'the second interceptor to listen', once(interceptor.stdout, 'data'));
    await machine.in('nft', 'add', 'table', 'ip', 'second');
    const chain = '{ type nat hook prerouting priority -110; }';
    await machine.in('nft', 'add', 'chain', 'ip', 'second', 'prerouting', chain);
    const match = 'ip saddr 10.41.0.0/16 ip daddr 169.254.169.254 tcp dport 80';
    const verdict = `dnat to ${machine.ip}:${interceptorPort}`;
    await machine.in('nft', 'add', 'rule', 'ip', 'second', 'prerouting', ...`${match} ${verdict}`.split(' '));
    return () => machine.in('nft', 'delete', 'table', 'ip', 'second');
  };

  test('the start-up taint waits for the canary; while there is none, the node says why', async () => {
    await stage.kube.request({
      method: 'PATCH',
      path: `${nodes}/${machine.name}`,
      body: { spec: { taints: [taint] } },
      contentType: 'application/strategic-merge-patch+json',
    });
    await stage.apply('base/nmi/daemonset.yaml');
    const [mic] = await readManifests(inDeploy('base/mic/deployment.yaml'));
    await stage.create(withArgs(mic!, canaryFlags));
    await untilReady('nmi', 'True');
    expect(await untilEvent('CanaryMissing')).toContain('The start-up taint of this node stays');
    const node = await untilObject(stage.kube, { path: nodes, fits: () => true });
    expect(isTainted(node)).toBe(true);
    await stage.apply('components/canary/daemonset.yaml');
    await untilObject(stage.kube, { path: nodes, fits: (one) => !isTainted(one) });
    const canary = await untilReady('nmi-canary', 'True');
    // Not even a volume with a token.
    expect((canary['spec'] as { volumes?: unknown }).volumes).toBeUndefined();
    expect(await answerOfCanary(canary)).toBe('200 ready\n\n');
    await untilEvent('CanaryReady');
  });

  test('calls of pods that are led past NMI make the canary not ready, while NMI is', async () => {
    await machine.door.ask('arrivals');
    const leadBack = await leadPodsPastNmi();
    const canary = await untilReady('nmi-canary', 'False');
    expect(await answerOfCanary(canary)).toMatch(/^503 other-server: another server than NMI answers/);
    expect(await untilEvent('CanaryNotReady')).toContain('NMI on this node is ready, but its canary is not');
    // NMI's own test, from the node, sees nothing of it.
    expect(await get('http://127.0.0.1:8086/readyz')).toBe('200 ready\n\n');
    // MIC counts what its own watch has delivered, which may be later than the watch of this test.
    await expect.poll(countedNodes).toEqual({ ready: '0', 'not-ready': '1', missing: '0' });
    // The canary reached the metadata service, and asked it for nothing.
    const asked = (await machine.door.ask('arrivals')).map(({ what }) => what.split('?')[0]);
    expect(asked).toContain('GET /metadata/pod-identity/canary');
    expect(asked.filter((what) => what?.includes('token'))).toEqual([]);

    await leadBack();
    await untilReady('nmi-canary', 'True');
    await untilEvent('CanaryReady', 2);
    await expect.poll(countedNodes).toEqual({ ready: '1', 'not-ready': '0', missing: '0' });
  });
});

/** The Deployment of MIC with more flags. */
function withArgs(object: KubeObject, more: readonly string[]): KubeObject {
  const spec = object['spec'] as {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] };
    };
  };
  const containers = spec.template.spec.containers.map((one) => ({ ...one, args: [...one.args, ...more] }));
  const template = { ...spec.template, spec: { ...spec.template.spec, containers } };
  return { ...object, spec: { ...spec, template } };
}
