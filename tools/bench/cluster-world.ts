// A large cluster in its own process, so that its work is not counted as MIC's; controlled by messages from the bench.
import { randomUUID } from 'node:crypto';
import {
  customResourceDefinitions,
  kubeClient,
  startSim,
  type KubeObject,
  type Sim,
  type World as AzureWorld,
} from '@pod-identity/sim';
import { within } from '../stage/within.ts';

export interface ClusterSize {
  readonly pods: number;
  readonly scaleSets: number;
  readonly nodesPerScaleSet: number;
  readonly identitiesPerScaleSet: number;
}

export type Order =
  | { readonly do: 'open'; readonly size: ClusterSize }
  | { readonly do: 'addPods' }
  | { readonly do: 'untilAssigned'; readonly count: number }
  | { readonly do: 'removePods' }
  | { readonly do: 'churn'; readonly perSecond: number; readonly seconds: number }
  | { readonly do: 'count' };

export interface Opened {
  readonly kubeUrl: string;
  readonly armUrl: string;
  readonly imdsUrl: string;
}

export interface Counts {
  readonly armPatches: number;
  readonly armCalls: number;
  readonly assignedIdentityWrites: number;
  readonly eventWrites: number;
  readonly otherWrites: number;
}

const subscription = '/subscriptions/00000000-0000-0000-0000-00000000000a';
const scaleSetId = (index: number) =>
  `${subscription}/resourceGroups/nodes/providers/Microsoft.Compute/virtualMachineScaleSets/set-${index}`;
const identityId = (name: string) =>
  `${subscription}/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const clusterIdentity = identityId('cluster');
const apiVersion = 'aadpodidentity.k8s.io/v1';
/** Of the pods and identities of a scale set: by default a pod may act only as identities of its own namespace. */
const namespaceOf = (scaleSet: number) => `apps-${scaleSet}`;
const assignedResource = 'azureassignedidentities.aadpodidentity.k8s.io';

interface World {
  readonly sim: Sim;
  readonly size: ClusterSize;
  /** Names of AzureAssignedIdentities in state Assigned. */
  readonly assigned: Set<string>;
}
let world: World | undefined;
let serial = 0;
const living: KubeObject[] = [];

const nameOf = (scaleSet: number, identity: number) => `id-${scaleSet}-${identity}`;

function podOf(size: ClusterSize): KubeObject {
  const number = serial++;
  const scaleSet = number % size.scaleSets;
  const within = Math.floor(number / size.scaleSets);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${number}`,
      namespace: namespaceOf(scaleSet),
      uid: randomUUID(),
      labels: { aadpodidbinding: nameOf(scaleSet, within % size.identitiesPerScaleSet) },
    },
    spec: {
      nodeName: `node-${scaleSet}-${within % size.nodesPerScaleSet}`,
      containers: [{ name: 'app', image: 'app' }],
    },
    status: { phase: 'Running' },
  };
}

const range = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);

async function open(size: ClusterSize): Promise<Opened> {
  const identities = range(size.scaleSets).flatMap((set) =>
    range(size.identitiesPerScaleSet).map((identity) => ({ set, name: nameOf(set, identity) })),
  );
  const names = identities.map(({ name }) => name);
  const sim = await startSim({ azure: { armLatencyMs: 0, seed: (azure) => seedAzure(azure, size, names) } });
  const client = kubeClient(sim.kube.url);
  for (const definition of customResourceDefinitions()) {
    await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  }
  sim.kube.seed(
    ['aad-pod-identity', ...range(size.scaleSets).map(namespaceOf)].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    })),
  );
  sim.kube.seed(
    identities.flatMap(({ set, name }) =>
      identityObjects(set, name, sim.azure.world.identity(identityId(name)).clientId),
    ),
  );
  sim.kube.seed(
    range(size.scaleSets).flatMap((set) => range(size.nodesPerScaleSet).map((node) => nodeObject(set, node))),
  );
  world = { sim, size, assigned: followAssigned(sim) };
  return {
    kubeUrl: sim.kube.url,
    armUrl: sim.azure.armUrl,
    imdsUrl: sim.azure.imdsUrl('set-0_0'),
  };
}

function seedAzure(azure: AzureWorld, size: ClusterSize, identities: readonly string[]): void {
  azure.addIdentity({ resourceId: clusterIdentity });
  for (const name of identities) azure.addIdentity({ resourceId: identityId(name) });
  for (const set of range(size.scaleSets)) {
    azure.addScaleSet({ id: scaleSetId(set), instances: set === 0 ? 1 : 0, identities: [clusterIdentity] });
  }
}

function identityObjects(set: number, name: string, clientID: string): KubeObject[] {
  const metadata = { name, namespace: namespaceOf(set) };
  return [
    {
      apiVersion,
      kind: 'AzureIdentity',
      metadata,
      spec: { type: 0, resourceID: identityId(name), clientID },
    },
    { apiVersion, kind: 'AzureIdentityBinding', metadata, spec: { azureIdentity: name, selector: name } },
  ];
}

function nodeObject(set: number, node: number): KubeObject {
  const spec = { providerID: `azure://${scaleSetId(set)}/virtualMachines/${node}` };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: `node-${set}-${node}` }, spec };
}

/** Names of the AzureAssignedIdentities that are in state Assigned, kept up to date. */
function followAssigned(sim: Sim): Set<string> {
  const assigned = new Set<string>();
  sim.kube.storage.onChange((id, change) => {
    if (id !== assignedResource) return;
    const { name, text } = change.after;
    if (change.type !== 'DELETED' && text.includes('"status":"Assigned"')) assigned.add(name);
    else assigned.delete(name);
    wake();
  });
  return assigned;
}

/** Enough for the largest cluster on a slow machine. */
const assignedWithinMs = 900_000;
let wake: () => void = () => undefined;
async function untilCount(count: number): Promise<void> {
  const { assigned } = opened();
  const reached = new Promise<void>((resolve) => {
    wake = () => {
      if (assigned.size === count) resolve();
    };
    wake();
  });
  const progress = () => `${count} AzureAssignedIdentities in state Assigned; there are ${assigned.size}`;
  await within(assignedWithinMs, progress, reached);
}

function opened(): World {
  if (!world) throw new Error('the world is not open yet');
  return world;
}

function addPods(count: number): void {
  const { sim, size } = opened();
  const added = Array.from({ length: count }, () => podOf(size));
  living.push(...added);
  sim.kube.seed(added);
}

async function removePods(count: number): Promise<void> {
  const client = kubeClient(opened().sim.kube.url);
  const gone = living.splice(0, count);
  for (let at = 0; at < gone.length; at += 50) {
    await Promise.all(
      gone
        .slice(at, at + 50)
        .map(({ metadata }) =>
          client.request('DELETE', `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`),
        ),
    );
  }
}

/** Creates and deletes so many pods a second, a tenth of them each 100 ms. */
async function churn({ perSecond, seconds }: { perSecond: number; seconds: number }): Promise<void> {
  const each = Math.round(perSecond / 10);
  for (let tick = 0; tick < seconds * 10; tick += 1) {
    const next = new Promise((resolve) => setTimeout(resolve, 100));
    addPods(each);
    await removePods(each);
    await next;
  }
}

function count(): Counts {
  const { sim } = opened();
  const writes = sim.kube.journal.entries().filter(({ method }) => method !== 'GET');
  const to = (path: RegExp) =>
    writes.filter((entry) => path.test(entry.path) && entry.userAgent.includes('MIC')).length;
  const assignedIdentityWrites = to(/\/azureassignedidentities(\/|$)/);
  const eventWrites = to(/\/events(\/|$)/);
  return {
    armPatches: sim.azure.journal.count({ service: 'arm', method: 'PATCH' }),
    armCalls: sim.azure.journal.count({ service: 'arm' }),
    assignedIdentityWrites,
    eventWrites,
    otherWrites: to(/^/) - assignedIdentityWrites - eventWrites,
  };
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return open(order.size);
    case 'addPods':
      addPods(opened().size.pods);
      return undefined;
    case 'untilAssigned':
      return untilCount(order.count);
    case 'removePods':
      return removePods(living.length);
    case 'churn':
      return churn(order);
    case 'count':
      return count();
  }
}

process.on('message', (message) => {
  const { id, order } = message as { id: number; order: Order };
  obey(order).then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) =>
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

// The bench ends this process by SIGTERM or by its own end.
for (const end of ['SIGTERM', 'disconnect']) {
  process.once(end, () => void (world?.sim.stop() ?? Promise.resolve()).finally(() => process.exit()));
}
