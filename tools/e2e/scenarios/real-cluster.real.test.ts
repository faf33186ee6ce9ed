// Both services on a real cluster: the manifests of deploy/, a real scheduler and kubelet, real pods, the node's own firewall. Only Azure
// is simulated.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { deleteObject, pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { PrintedLines } from '../../stage/printed-lines.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import { askingPod } from '../cluster/asking.ts';
import { commandPod } from '../cluster/command-pod.ts';
import { openClusterStage, type ClusterStage, type StageNode } from '../cluster/stage.ts';
import { nextLine } from '../cluster/told.ts';
import { identityObjects } from '../objects.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`real-cluster is skipped: ${missing}`);

const taint = { key: 'aadpodidentity.k8s.io/nmi-not-ready', value: 'true', effect: 'NoSchedule' };
const pods = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: 'default' });
const agents = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace });
const patienceMs = 120_000;
const routeLocalnet = 'net.ipv4.conf.all.route_localnet';

const manifestOf = async (folder: 'base/nmi' | 'overlays/uninstall'): Promise<KubeObject> => {
  const [daemonSet] = await readManifests(inDeploy(`${folder}/daemonset.yaml`));
  return daemonSet!;
};

interface PodStatus {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}
const statusOf = (pod: KubeObject) => (pod['status'] ?? {}) as PodStatus;

describe.skipIf(missing !== undefined)('on a real cluster', () => {
  let stage: ClusterStage;
  let stop: () => Promise<void> = () => Promise.resolve();
  let node: StageNode;
  let app: PrintedLines;

  beforeAll(async () => {
    stage = await openClusterStage({ nodes: 1 });
    stop = () => stage.stop();
    [node] = stage.nodes;
    await stage.prepare();
  });
  afterAll(() => stop());

  const untilPod = (name: string, fits: (status: PodStatus) => boolean) =>
    untilObject(stage.kube, {
      path: pods,
      fits: (pod) => pod.metadata.name === name && fits(statusOf(pod)),
      withinMs: patienceMs,
    });
  const later = (fits: (line: string) => boolean) => nextLine(app, fits);
  const podsHeard = () => stage.bypasses();

  test('pods wait while their node has the start-up taint; MIC does not, and removes it when NMI of the node is ready', async () => {
    await stage.kube.request({
      method: 'PATCH',
      path: `/api/v1/nodes/${node.name}`,
      body: { spec: { taints: [taint] } },
      contentType: 'application/strategic-merge-patch+json',
    });
    expect(await node.in('sysctl', '--values', routeLocalnet)).toBe('0\n');
    for (const object of identityObjects({ name: 'app', ...names.firstIdentity })) await stage.create(object);
    await stage.create(askingPod({ name: 'app', label: 'app' }));
    await stage.create(askingPod({ name: 'stranger', label: 'nobody' }));
    await untilPod('app', ({ conditions = [] }) =>
      conditions.some(({ type, status }) => type === 'PodScheduled' && status === 'False'),
    );
    await stage.apply('base/nmi/daemonset.yaml');
    await stage.apply('base/mic/deployment.yaml');
    await untilPod('app', ({ phase }) => phase === 'Running');
    await untilPod('stranger', ({ phase }) => phase === 'Running');
    const object = (await stage.kube.request({
      method: 'GET',
      path: `/api/v1/nodes/${node.name}`,
    })) as KubeObject;
    expect((object['spec'] as { taints?: unknown }).taints).toBeUndefined();
    // Set by a container that is not privileged, and by no other program.
    expect(await node.in('sysctl', '--values', routeLocalnet)).toBe('2\n');
    // No other client removes it.
    expect(await stage.mayChangeNodes('mic')).toBe(true);
    expect(await stage.mayChangeNodes('nmi')).toBe(false);
  });

  test('E1 E27 a pod gets a token of its own identity at 169.254.169.254; a pod without a binding gets the reason', async () => {
    app = stage.told('app');
    const told = await app.first((line) => line.startsWith('200'), patienceMs);
    expect(told).toBe(`200 ${names.firstIdentity.clientId}`);
    const refused = await stage.told('stranger').first((line) => line.startsWith('4'), patienceMs);
    expect(refused).toContain("400 Identity not found. No AzureIdentityBinding has the selector 'nobody'");
    expect(await stage.azure.ask('attached')).toContain(names.firstIdentity.id.toLowerCase());
    expect(await podsHeard()).toEqual([]);
  });

  test('item 15: without NMI connections of pods are refused, and reach no other server', async () => {
    await deleteObject(stage.kube, await manifestOf('base/nmi'));
    await untilNone(stage.kube, {
      path: agents,
      fits: (pod) => pod.metadata.labels?.['component'] === 'nmi',
      withinMs: patienceMs,
    });
    // An earlier connection may be reset only now.
    await later((line) => line === 'error ECONNREFUSED');
    expect(await podsHeard()).toEqual([]);
  });

  test('after a restart of the node requests of pods are refused before NMI runs, by the guard that NMI wrote to the host', async () => {
    await node.on('mkdir', '-p', '/etc/systemd/system');
    await stage.create(commandPod(await manifestOf('base/nmi'), 'persist', 'install-redirect', '--persist'));
    await untilPod('persist', ({ phase }) => phase === 'Succeeded');
    // What a restart removes; the pod stays on the node and sends requests all the time.
    await node.in('nft', 'flush', 'ruleset');
    for (const preference of ['57', '58', '59']) await node.in('ip', 'rule', 'del', 'pref', preference);
    await later((line) => line.startsWith('400 Multiple'));
    expect((await podsHeard()).length).toBeGreaterThan(0);
    expect(await node.on('sh', '/etc/aad-pod-identity/guard')).toContain('pods are refused');
    await podsHeard();
    // An earlier connection is reset once.
    await later((line) => line === 'error ECONNREFUSED');
    expect(await podsHeard()).toEqual([]);
  });

  test('E27 only uninstall-redirect makes the metadata service reachable again, and puts back the kernel settings', async () => {
    expect(await node.in('ip', 'rule')).toContain('prohibit');
    await stage.create(commandPod(await manifestOf('overlays/uninstall'), 'uninstall', 'uninstall-redirect'));
    await untilPod('uninstall', ({ phase }) => phase === 'Succeeded');
    expect(await node.on('ls', '/etc/systemd/system')).not.toContain('aad-pod-identity');
    await later((line) => line.startsWith('400 Multiple'));
    expect((await podsHeard()).length).toBeGreaterThan(0);
    expect(await node.in('iptables', '-t', 'nat', '-S')).not.toMatch(/aad-/);
    expect(await node.in('nft', 'list', 'tables')).not.toContain('aad');
    expect(await node.in('ip', 'rule')).not.toContain('prohibit');
    expect(await node.in('sysctl', '--values', routeLocalnet)).toBe('0\n');
    expect(await node.in('sysctl', '--values', 'net.ipv4.tcp_migrate_req')).toBe('0\n');
  });
});
