// Carries out the operations of a plan, each as a user, a kubelet or Azure would.
import { setTimeout as delay } from 'node:timers/promises';
import { deleteObject, pathOf } from '../../stage/objects.ts';
import * as names from '../../stage/names.ts';
import type { Operation } from '../plan/operation.ts';
import { exemptLabel, pool, spareNode } from '../plan/scene.ts';
import { hostIdOf, identityIdOf, resourceIdOf } from './azure.ts';
import { finishPod, podKey, relabelPod, removePod, runPod, schedulePod, startScheduled } from './pods.ts';
import { grant, withdraw } from './rights.ts';
import { bindingObject, identityObject, nodeObjectOf, put, type World } from './world.ts';

export interface Operator {
  operate(operation: Operation): Promise<void>;
  /** Resolves after the operations that last longer than their step. */
  settled(): Promise<void>;
}

interface Scene {
  readonly world: World;
  /** `host identity`, both in lower case: attached by users. */
  readonly foreign: Set<string>;
  readonly away: Set<string>;
  /** Operations that are still under way. */
  later(task: Promise<void>): void;
}

/** Longer than --pod-check-age: networks wait that long before they reuse an address. */
const addressRestMs = 1_300;
const apiVersion = 'aadpodidentity.k8s.io/v1';

export function createOperator(world: World): Operator {
  const tails = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const scene: Scene = {
    world,
    foreign: new Set(),
    away: new Set(),
    later: (task) => {
      const tail = task
        .catch((error: unknown) => void failures.push(error))
        .finally(() => tails.delete(tail));
      tails.add(tail);
    },
  };
  return {
    operate: async (operation) => {
      world.recorder.note(JSON.stringify(operation));
      await carryOut(scene, operation);
    },
    settled: async () => {
      await Promise.all(tails);
      if (failures.length > 0) throw new AggregateError(failures, 'operations could not be carried out');
    },
  };
}

/** A change of an identity by users. */
interface Attachment {
  readonly host: string;
  readonly azure: string;
}

type Of<Kind extends Operation['kind']> = Extract<Operation, { readonly kind: Kind }>;

function carryOut(scene: Scene, operation: Operation): Promise<void> {
  if (isOfPods(operation)) return changePods(scene, operation);
  return isOfAzure(operation) ? changeAzure(scene, operation) : changeObjects(scene.world, operation);
}

const podKinds = ['create-pod', 'delete-pod', 'relabel-pod', 'move-pod', 'reuse-address'] as const;
const azureKinds = [
  'recreate-in-azure',
  'attach-foreign',
  'detach-foreign',
  'drift',
  'replace-host',
] as const;
type OfPods = Extract<Operation, { readonly kind: (typeof podKinds)[number] }>;
type OfAzure = Extract<Operation, { readonly kind: (typeof azureKinds)[number] }>;

const isOfPods = (operation: Operation): operation is OfPods =>
  podKinds.some((kind) => kind === operation.kind);
const isOfAzure = (operation: Operation): operation is OfAzure =>
  azureKinds.some((kind) => kind === operation.kind);

async function changePods(scene: Scene, operation: OfPods): Promise<void> {
  const { world } = scene;
  switch (operation.kind) {
    case 'create-pod':
      return runPod(world, operation);
    case 'delete-pod':
      await removePod(world, operation);
      return;
    case 'relabel-pod':
      return relabelPod(world, operation);
    case 'move-pod':
      return movePod(world, operation);
    case 'reuse-address':
      return reuseAddress(scene, operation);
  }
}

function changeAzure(scene: Scene, operation: OfAzure): Promise<void> {
  switch (operation.kind) {
    case 'recreate-in-azure':
      return recreate(scene, operation);
    case 'attach-foreign':
      return attachForeign(scene, operation);
    case 'detach-foreign':
      return detachForeign(scene, operation);
    case 'drift':
      return drift(scene, operation);
    case 'replace-host':
      return replaceHost(scene, operation.host);
  }
}

async function changeObjects(world: World, operation: Exclude<Operation, OfAzure | OfPods>): Promise<void> {
  switch (operation.kind) {
    case 'put-identity':
      await put(world, identityObject({ stage: world.stage, ...operation }));
      return;
    case 'put-binding':
      await put(world, bindingObject(operation));
      return;
    case 'put-exception':
      return putException(world, operation);
    case 'delete-identity':
      return remove(world, 'AzureIdentity', operation);
    case 'delete-binding':
      return remove(world, 'AzureIdentityBinding', operation);
    case 'delete-exception':
      return remove(world, 'AzurePodIdentityException', operation);
    case 'grant-right':
      return grant(world, operation.azure, operation);
    case 'withdraw-right':
      return withdraw(world, operation.azure, operation);
    case 'scale':
      return scale(world, operation.instances);
  }
}

async function remove(
  world: World,
  kind: string,
  { namespace, name }: { namespace: string; name: string },
): Promise<void> {
  await world.reliably(`deletion of ${kind} ${name}`, () =>
    deleteObject(world.stage.kube, { apiVersion, kind, metadata: { namespace, name } }),
  );
}

async function putException(world: World, { namespace, name }: Of<'put-exception'>): Promise<void> {
  const spec = { podLabels: { [exemptLabel.name]: exemptLabel.value } };
  await put(world, { apiVersion, kind: 'AzurePodIdentityException', metadata: { namespace, name }, spec });
}

async function movePod(world: World, { namespace, name, node, label }: Of<'move-pod'>): Promise<void> {
  const address = await removePod(world, { namespace, name });
  // Its node, or it, is gone.
  if (address !== undefined) await runPod(world, { namespace, name, node, label });
}

async function reuseAddress(
  scene: Scene,
  { namespace, name, next, label, lagMs, finishes }: Of<'reuse-address'>,
): Promise<void> {
  const { world } = scene;
  const node = world.pods.get(podKey({ namespace, name }))?.node;
  const end = finishes ? finishPod : removePod;
  const address = await end(world, { namespace, name });
  if (node === undefined || address === undefined) return;
  const pod = { ...next, node, label };
  await schedulePod(world, pod);
  scene.later(
    (async () => {
      await delay(addressRestMs);
      await startScheduled(world, { pod, address, lagMs });
    })(),
  );
}

function recreate(scene: Scene, { azure, awayMs }: Of<'recreate-in-azure'>): Promise<void> {
  const { world, away } = scene;
  if (away.has(azure)) return Promise.resolve();
  const { world: cloud } = world.stage.sim.azure;
  const [resourceId, id] = [names.identityId(azure), identityIdOf(azure)];
  away.add(azure);
  cloud.deleteIdentity(resourceId);
  world.recorder.azure({ kind: 'identity-gone', id });
  scene.later(
    (async () => {
      await delay(awayMs);
      cloud.addIdentity({ resourceId, tenantId: names.tenant });
      world.recorder.azure({ kind: 'identity-created', id });
      away.delete(azure);
      await writeClientId(world, azure);
    })(),
  );
  return Promise.resolve();
}

/** Writes the new client id into each AzureIdentity of the identity, as its owner would. */
export async function writeClientId(world: World, azure: string): Promise<void> {
  const clientID = world.stage.sim.azure.world.identity(names.identityId(azure)).clientId;
  for (const { metadata, ...object } of world.stage.sim.kube.list('azureidentities')) {
    const spec = object['spec'] as { readonly resourceID: string; readonly clientID?: string };
    if (spec.resourceID.toLowerCase() !== identityIdOf(azure) || spec.clientID === clientID) continue;
    const path = pathOf({
      apiVersion,
      kind: 'AzureIdentity',
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
    });
    const contentType = 'application/merge-patch+json';
    await world.reliably(`client id of ${metadata.name ?? ''}`, () =>
      world.stage.kube.request({ method: 'PATCH', path, body: { spec: { clientID } }, contentType }),
    );
  }
}

/** Not if MIC has recorded that it attaches it: its owner is MIC then (docs/contributor/decisions.md#whose-an-identity-is). */
function attachForeign({ world, foreign, away }: Scene, { host, azure }: Attachment): Promise<void> {
  const { kube, azure: cloud } = world.stage.sim;
  const [hostId, id] = [hostIdOf(host), identityIdOf(azure)];
  const isOnRecord = kube
    .list('configmaps')
    .map((configMap) => JSON.stringify(configMap['data'] ?? {}).toLowerCase())
    .some((text) => text.includes(hostId) && text.includes(id));
  if (isOnRecord || away.has(azure)) return Promise.resolve();
  cloud.world.attach(resourceIdOf(host), names.identityId(azure));
  foreign.add(`${hostId} ${id}`);
  world.recorder.azure({ kind: 'attached', host: hostId, id });
  return Promise.resolve();
}

function detachForeign({ world, foreign }: Scene, { host, azure }: Attachment): Promise<void> {
  const [hostId, id] = [hostIdOf(host), identityIdOf(azure)];
  if (foreign.delete(`${hostId} ${id}`)) detach(world, host, azure);
  return Promise.resolve();
}

function detach(world: World, host: string, azure: string): void {
  world.stage.sim.azure.world.detach(resourceIdOf(host), names.identityId(azure));
  world.recorder.azure({ kind: 'detached', host: hostIdOf(host), id: identityIdOf(azure) });
}

function drift({ world, foreign }: Scene, { host, azure }: Attachment): Promise<void> {
  const [hostId, id] = [hostIdOf(host), identityIdOf(azure)];
  const isThere = world.stage.sim.azure.world.attachedTo(resourceIdOf(host)).includes(id);
  if (isThere && !foreign.has(`${hostId} ${id}`)) detach(world, host, azure);
  return Promise.resolve();
}

/** Deletes and creates the host under the same name, without identities. */
function replaceHost({ world, foreign }: Scene, host: string): Promise<void> {
  const { world: cloud } = world.stage.sim.azure;
  const hostId = hostIdOf(host);
  cloud.deleteHost(resourceIdOf(host));
  cloud.addVirtualMachine({ id: resourceIdOf(host) });
  for (const one of foreign) if (one.startsWith(`${hostId} `)) foreign.delete(one);
  world.recorder.azure({ kind: 'host-emptied', host: hostId });
  return Promise.resolve();
}

async function scale(world: World, instances: 2 | 3): Promise<void> {
  const { azure } = world.stage.sim;
  if (instances === 3) {
    azure.world.scale(resourceIdOf(pool), 3);
    await azure.ready();
    await put(world, nodeObjectOf(spareNode));
    return;
  }
  for (const { metadata, ...pod } of world.stage.sim.kube.list('pods')) {
    const { nodeName } = pod['spec'] as { readonly nodeName?: string };
    const { namespace = '', name = '' } = metadata;
    if (nodeName === spareNode) await removePod(world, { namespace, name });
  }
  await world.reliably('deletion of the node', () => deleteObject(world.stage.kube, nodeObjectOf(spareNode)));
  azure.world.scale(resourceIdOf(pool), 2);
}
