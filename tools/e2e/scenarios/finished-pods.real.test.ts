// A pod that finishes by itself gives its address away before its kubelet reports that, seconds before if the kubelet has much to report.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { deleteObject, pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { untilObject } from '../../stage/until.ts';
import { askingPod, tokenFirst, type AskingSpec } from '../cluster/asking.ts';
import { rolledOut } from '../cluster/rollout.ts';
import { openClusterStage, type ClusterStage, type StageNode } from '../cluster/stage.ts';
import { identityObjects } from '../objects.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`finished pods are skipped on a real cluster: ${missing}`);

/** The only address of the pod network. */
const address = '10.41.1.9';
const patienceMs = 120_000;
const flippingPods = 60;
const flipPort = 18_080;
const pause = 'local.test/pause:1';
const pods = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: 'default' });

/** The kit's kubelets keep their groups below one of their own. NMI is given them as a node's, in the hierarchies of both versions. */
const giveGroups = `
for hierarchy in '' /pids; do
  groups="/sys/fs/cgroup$hierarchy/$1"
  [ ! -d "$groups" ] || { mkdir -p "/run/host-cgroup$hierarchy" && mount --bind "$groups" "/run/host-cgroup$hierarchy"; }
done`;

const untilFree = `
for look in $(seq 3000); do [ -e "/var/lib/cni/networks/kit/$1" ] || exit 0; sleep 0.02; done
echo "waited 60 s for the address $1 to be free" >&2; exit 1`;

const flip = `require('node:http').createServer((_, response) => {
  response.statusCode = Math.floor(Date.now() / 1000) % 2 ? 200 : 503;
  response.end();
}).listen(${flipPort}, '127.0.0.1')`;

/** On the host network, as it needs no address. Its readiness changes each second. The first one answers the probes of all. */
const flippingPod = (index: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `flipping-${index}`, namespace: 'default' },
  spec: {
    hostNetwork: true,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'flipping',
        ...(index === 0
          ? {
              image: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0',
              command: ['/usr/bin/node', '-e', flip],
            }
          : { image: pause }),
        imagePullPolicy: 'Never',
        readinessProbe: {
          httpGet: { host: '127.0.0.1', port: flipPort },
          periodSeconds: 1,
          failureThreshold: 1,
        },
      },
    ],
  },
});

describe.skipIf(missing !== undefined)('on a real cluster with one address for pods', () => {
  let stage: ClusterStage;
  let stop: () => Promise<void> = () => Promise.resolve();
  let node: StageNode;

  beforeAll(async () => {
    stage = await openClusterStage({ nodes: 1, flavour: 'v1.34', images: ['nmi'] });
    stop = () => stage.stop();
    [node] = stage.nodes;
    await stage.prepare();
    await node.on('sh', '-c', giveGroups, 'sh', node.netns.replace(/-node1$/, '/node1'));
    const [nmi] = await readManifests(inDeploy('base/nmi/daemonset.yaml'));
    await stage.create(
      JSON.parse(JSON.stringify(nmi).replace('"/sys/fs/cgroup"', '"/run/host-cgroup"')) as KubeObject,
    );
    await node.on(
      ...['sed', '-i', `s|"subnet"|"rangeStart": "${address}", "rangeEnd": "${address}", "subnet"|`],
      '/etc/cni/net.d/10-kit.conflist',
    );
    for (const object of identityObjects({ name: 'victim', ...names.firstIdentity }))
      await stage.create(object);
    await stage.azure.ask('attach', { id: names.firstIdentity.id });
    await rolledOut(stage, 'daemonset/nmi');
  });
  afterAll(() => stop());

  /** At once: no scheduler has to find the node. */
  const create = (asking: AskingSpec, over: object = {}, ...beside: readonly object[]) => {
    const pod = askingPod(asking);
    const spec = pod['spec'] as { readonly containers: readonly object[] };
    const containers = [...spec.containers, ...beside];
    return stage.create({ ...pod, spec: { ...spec, nodeName: node.name, ...over, containers } });
  };
  const isTold = (name: string, start: string) =>
    stage.told(name).first((line) => line.startsWith(start), patienceMs);
  const addressIsFree = () => node.on('sh', '-c', untilFree, 'sh', address);
  const end = async (pod: KubeObject) => {
    await deleteObject(stage.kube, pod);
    await addressIsFree();
  };
  const token = `200 ${names.firstIdentity.clientId}`;

  test('the first call of a pod gets a token, and that of an init container and of one that was started again', async () => {
    const fast = await create({ name: 'fast', label: 'victim', tokens: 1 });
    expect(await isTold('fast', '200')).toBe(token);
    await end(fast);
    const beside = { name: 'beside', image: pause, imagePullPolicy: 'Never' };
    const again = await create(
      { name: 'again', label: 'victim', initContainers: [tokenFirst('begins')], livesMs: 0, tokens: 1 },
      { restartPolicy: 'Always' },
      beside,
    );
    expect(await isTold('begins', '200')).toBe(token);
    const told = stage.told('again');
    await told.first(() => told.all.filter((line) => line === token).length === 2, patienceMs);
    await end(again);
    for (const name of ['fast', 'begins', 'again']) {
      const refused = stage.told(name).all.filter((line) => line !== token);
      expect([name, refused]).toEqual([name, []]);
    }
  });

  test('attack: while the kubelet is late with its reports, the next pod at the address of a finished one gets no token of it', async () => {
    for (let index = 0; index < flippingPods; index += 1) await stage.create(flippingPod(index));
    for (let index = 0; index < flippingPods; index += 1)
      await untilObject(stage.kube, {
        path: pods,
        fits: ({ metadata, status }) =>
          metadata.name === `flipping-${index}` && (status as { phase?: string }).phase === 'Running',
        withinMs: patienceMs,
      });
    for (const round of ['one', 'two', 'three']) {
      await create({ name: `victim-${round}`, label: 'victim', livesMs: 1_000 });
      expect(await isTold(`victim-${round}`, '200')).toBe(token);
      await addressIsFree();
      const next = await create({ name: `next-${round}`, pauseMs: 20 });
      await isTold(`next-${round}`, '40');
      const { all } = stage.told(`next-${round}`);
      expect([round, all.filter((line) => line.startsWith('200'))]).toEqual([round, []]);
      await end(next);
    }
  });
});
