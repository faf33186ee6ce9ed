// The simulator in the namespace that has the metadata address. Every request and connection that reaches this address is
// recorded with its source, so that a test finds requests that bypassed NMI.
import { connect, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { cluster, startSim, type BindingSpec, type PodSpec } from '@pod-identity/sim';
import { openMetadataDoor } from './metadata-door.ts';
import { answerMessages } from './program.ts';

export interface CloudPlace {
  readonly metadataAddress: string;
  /** A further address of the API server. */
  readonly apiAddress: string;
}

export type CloudQuestions = typeof questions;

const place = JSON.parse(process.argv[2] ?? '{}') as CloudPlace;
const sim = await startSim();
const world = await cluster(sim, { scaleSets: [{ name: 'pool', instances: 1 }] });
const [node] = world.nodes;
if (node === undefined) throw new Error('the cluster has no node');
const door = await openMetadataDoor(place.metadataAddress, sim.azure.imdsUrl(node.machine));
const apiPort = await forwardApi();

const podsPath = '/api/v1/namespaces/default/pods';
const effect = 'NoSchedule';
const questions = {
  facts: () => ({ node: node.name, api: `http://${place.apiAddress}:${apiPort}` }),
  /** Creates an AzureIdentity whose managed identity is on the machine. */
  identity: async ({ name }: { name: string }) => {
    const { clientId, resourceId } = await world.identity({ name });
    sim.azure.world.attach(node.hostId, resourceId);
    return { clientId, resourceId };
  },
  bind: (spec: BindingSpec) => world.binding(spec),
  pod: (spec: PodSpec) => world.pod(spec),
  /** Creates a pod on the node, whose status has no address yet. */
  podWithoutAddress: async ({ name, label }: { name: string; label: string }) => {
    await world.client.request('POST', podsPath, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { aadpodidbinding: label } },
      spec: { nodeName: node.name, containers: [{ name: 'main', image: 'local.test/app:1' }] },
    });
  },
  /** Updates the pod's status: it runs and has its address. */
  reportAddress: async ({ name, ip }: { name: string; ip: string }) => {
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], hostIP: node.address };
    await world.client.request('PATCH', `${podsPath}/${name}/status`, { status });
  },
  /** Deletes the pod; its status still has Running and its address. */
  end: async ({ name }: { name: string }) => {
    const metadata = { finalizers: ['test.local/containers-live'] };
    await world.client.request('PATCH', `${podsPath}/${name}`, { metadata });
    await world.client.request('DELETE', `${podsPath}/${name}`);
    return sim.kube.get('pods', name, 'default');
  },
  /** The keys of the node's taints. */
  taints: () => taints(),
  taint: async ({ key }: { key: string }) => {
    const spec = { taints: [...taints().map((each) => ({ key: each, effect })), { key, effect }] };
    await world.client.request('PATCH', `/api/v1/nodes/${node.name}`, { spec });
  },
  /** Waits until the node has no taint of this key. */
  untainted: ({ key }: { key: string }) => sim.kube.until(() => !taints().includes(key)),
  /** What reached the metadata address since the last call. */
  arrivals: () => door.arrivals(),
};
answerMessages(questions);

function taints(): readonly string[] {
  const { taints: all = [] } = (sim.kube.get('nodes', node?.name ?? '')?.['spec'] ?? {}) as {
    taints?: readonly { key: string }[];
  };
  return all.map(({ key }) => key);
}

async function forwardApi(): Promise<number> {
  const { port } = new URL(sim.kube.url);
  if (place.apiAddress === '127.0.0.1') return Number(port);
  const server = createTcpServer((outside) => {
    const inside = connect(Number(port), '127.0.0.1');
    outside.pipe(inside).pipe(outside);
    outside.once('error', () => inside.destroy());
    inside.once('error', () => outside.destroy());
  });
  server.listen(Number(port), place.apiAddress);
  await once(server, 'listening');
  return Number(port);
}
