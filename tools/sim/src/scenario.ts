import { apiVersion } from '@pod-identity/crd-types';
import { customResourceDefinitions } from './definitions.ts';
import type { ManagedIdentity } from './azure/index.ts';
import type { Sim } from './sim.ts';
import { kubeClient, type KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube/index.ts';
import { createPodNetwork, type PodNetwork } from './network/pod-network.ts';

export interface ClusterSpec {
  /** Nodes that are virtual machines of their own: `node1`, `node2` … */
  readonly nodes?: number;
  readonly scaleSets?: readonly {
    readonly name: string;
    readonly instances: number;
    readonly flexible?: boolean;
  }[];
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  readonly namespaces?: readonly string[];
}

export interface ScenarioNode {
  readonly name: string;
  readonly address: string;
  readonly providerId: string;
  /** The resource id of the host: a virtual machine or a scale set. */
  readonly hostId: string;
  /** The machine's name for `sim.azure.imdsUrl()`. */
  readonly machine: string;
}

export interface PodSpec {
  /** `default` when absent. */
  readonly namespace?: string;
  readonly name: string;
  /** Value of the label `aadpodidbinding`. */
  readonly label?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of the node; the first one when absent. */
  readonly node?: string;
  /** The node's next free address when absent. */
  readonly ip?: string;
  /** `Running` when absent. */
  readonly phase?: string;
  /** status.startTime; absent by default. */
  readonly startedAt?: Date;
  readonly serviceAccountName?: string;
  /** The pod stands for a static pod of its node: a kubelet creates such pods, without a ServiceAccount. */
  readonly isMirror?: boolean;
}

export interface IdentitySpec {
  readonly namespace?: string;
  readonly name: string;
  /** The resource id of the managed identity. Default: a new one of the same name in the cluster's resource group. */
  readonly resourceId?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface BindingSpec {
  readonly namespace?: string;
  readonly name: string;
  readonly identity: string;
  readonly selector: string;
}

/** A cluster in both halves: hosts in Azure, nodes in Kubernetes, and objects in both. */
export interface Cluster {
  readonly nodes: readonly ScenarioNode[];
  readonly network: PodNetwork;
  readonly client: KubeClient;
  /** A pod that runs on its node, with an address. */
  pod(spec: PodSpec): Promise<KubeObject>;
  /** An AzureIdentity, and its managed identity in Azure unless that exists. */
  identity(spec: IdentitySpec): Promise<ManagedIdentity>;
  binding(spec: BindingSpec): Promise<KubeObject>;
  /** An AzurePodIdentityException. */
  exception(spec: {
    namespace?: string;
    name: string;
    podLabels: Readonly<Record<string, string>>;
    clientIDs?: readonly string[];
  }): Promise<KubeObject>;
  /** A vault whose secrets these identities may read. */
  vault(spec: {
    name: string;
    secrets: Readonly<Record<string, string>>;
    readers: readonly ManagedIdentity[];
  }): Promise<string>;
}

interface Ground {
  readonly sim: Sim;
  readonly client: KubeClient;
  readonly network: PodNetwork;
  /** The beginning of the resource ids. */
  readonly group: string;
}

/** Creates hosts, nodes, namespaces and the CustomResourceDefinitions. */
export async function cluster(sim: Sim, spec: ClusterSpec): Promise<Cluster> {
  const { subscriptionId = '00000000-0000-0000-0000-00000000000a', resourceGroup = 'cluster' } = spec;
  const ground: Ground = {
    sim,
    client: kubeClient(sim.kube.url),
    network: createPodNetwork(),
    group: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers`,
  };
  sim.kube.seed(
    (spec.namespaces ?? []).map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  await post(ground, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', customResourceDefinitions());
  const nodes = placeNodes(ground, spec);
  await post(ground, '/api/v1/nodes', nodes.map(nodeObject));
  await sim.azure.ready();
  return describe(ground, nodes);
}

async function postOne({ client }: Ground, path: string, object: object): Promise<KubeObject> {
  // The server returns the object with its defaults.
  return (await client.request('POST', path, object)) as KubeObject;
}

async function post(ground: Ground, path: string, objects: readonly object[]): Promise<void> {
  for (const object of objects) await postOne(ground, path, object);
}

function placeNodes({ sim, network, group }: Ground, spec: ClusterSpec): ScenarioNode[] {
  const compute = `${group}/Microsoft.Compute`;
  const { world } = sim.azure;
  const machines = Array.from({ length: spec.nodes ?? 0 }, (_, position) => {
    const machine = `node${position + 1}`;
    const hostId = `${compute}/virtualMachines/${machine}`;
    world.addVirtualMachine({ id: hostId });
    return { machine, hostId, providerId: `azure://${hostId}` };
  });
  const instances = (spec.scaleSets ?? []).flatMap(({ name, instances: count, flexible = false }) => {
    const scaleSetId = `${compute}/virtualMachineScaleSets/${name}`;
    world.addScaleSet({ id: scaleSetId, instances: count, flexible });
    return Array.from({ length: count }, (_, position) => {
      const machine = `${name}_${position}`;
      const hostId = flexible ? `${compute}/virtualMachines/${machine}` : scaleSetId;
      return {
        machine,
        hostId,
        providerId: `azure://${flexible ? hostId : `${scaleSetId}/virtualMachines/${position}`}`,
      };
    });
  });
  return [...machines, ...instances].map((place, position) => ({
    ...place,
    // Without the underscore of Azure's instance names, which node names do not allow.
    name: place.machine.replace('_', '-'),
    address: network.nodeAddress(position + 1),
  }));
}

const nodeObject = ({ name, address, providerId }: ScenarioNode): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  spec: { providerID: providerId },
  status: {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'simulated' }],
  },
});

interface CustomObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

const customPath = (namespace: string, plural: string): string =>
  `/apis/${apiVersion}/namespaces/${namespace}/${plural}`;

function postCustom(ground: Ground, plural: string, object: CustomObject): Promise<KubeObject> {
  return postOne(ground, customPath(object.metadata.namespace, plural), { apiVersion, ...object });
}

async function addIdentity(ground: Ground, given: IdentitySpec): Promise<ManagedIdentity> {
  const { namespace = 'default', name, resourceId, annotations = {} } = given;
  const { world } = ground.sim.azure;
  const id = resourceId ?? `${ground.group}/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  const identity = world.findIdentity(id) ?? world.addIdentity({ resourceId: id });
  const spec = { type: 0, resourceID: id, clientID: identity.clientId };
  const metadata = { name, namespace, annotations };
  await postCustom(ground, 'azureidentities', { kind: 'AzureIdentity', metadata, spec });
  return identity;
}

function describe(ground: Ground, nodes: readonly ScenarioNode[]): Cluster {
  return {
    nodes,
    network: ground.network,
    client: ground.client,
    pod: (spec) => runPod(ground, nodes, spec),
    identity: (spec) => addIdentity(ground, spec),
    binding: ({ namespace = 'default', name, identity, selector }) =>
      postCustom(ground, 'azureidentitybindings', {
        kind: 'AzureIdentityBinding',
        metadata: { name, namespace },
        spec: { azureIdentity: identity, selector },
      }),
    exception: ({ namespace = 'default', name, ...spec }) =>
      postCustom(ground, 'azurepodidentityexceptions', {
        kind: 'AzurePodIdentityException',
        metadata: { name, namespace },
        spec,
      }),
    vault: async ({ name, secrets, readers }) => {
      const { azure } = ground.sim;
      azure.world.addVault({ name, secrets, readers: readers.map((identity) => identity.principalId) });
      await azure.ready();
      return azure.vaultUrl(name);
    },
  };
}

async function runPod(ground: Ground, nodes: readonly ScenarioNode[], spec: PodSpec): Promise<KubeObject> {
  const { namespace = 'default', name, phase = 'Running' } = spec;
  const position = spec.node === undefined ? 0 : nodes.findIndex((node) => node.name === spec.node);
  const node = nodes[position];
  if (!node) throw new TypeError(`the cluster has no node ${spec.node ?? 'at all'}`);
  const ip = spec.ip ?? ground.network.podAddress(position + 1);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await ground.client.request('POST', path, podObject({ ...spec, namespace }, node));
  const status = { phase, podIP: ip, podIPs: [{ ip }], hostIP: node.address, ...startTimeOf(spec) };
  // The server returns the pod.
  return (await ground.client.request('PATCH', `${path}/${name}/status`, { status })) as KubeObject;
}

function podObject(spec: PodSpec, { name: nodeName }: ScenarioNode): object {
  const { namespace, name, label, labels, serviceAccountName, isMirror = false } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...(label !== undefined && { aadpodidbinding: label }) },
      ...(isMirror && { annotations: { 'kubernetes.io/config.mirror': 'hash' } }),
    },
    spec: {
      nodeName,
      ...(!isMirror && { serviceAccountName }),
      containers: [{ name: 'main', image: 'local.test/app:1' }],
    },
  };
}

/** The field of a pod's status. Kubernetes writes times in whole seconds. */
export function startTimeOf({ startedAt }: Pick<PodSpec, 'startedAt'>) {
  return startedAt && { startTime: `${startedAt.toISOString().slice(0, 19)}Z` };
}
