// The lifecycle of pods as by scheduler and kubelet: created, with an address, later with a status, deleted.
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { setPodStatus } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { deleteObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import { exemptLabel } from '../plan/scene.ts';
import { put, type World } from './world.ts';

export interface NewPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly label: string;
  readonly exempt?: boolean;
  /** The ServiceAccount. */
  readonly account?: string;
}

export const podKey = ({ namespace, name }: { namespace: string; name: string }): string =>
  `${namespace}/${name}`;

function podObjectOf({
  namespace,
  name,
  node,
  label,
  exempt = false,
  account = 'default',
}: NewPod): KubeObject {
  const labels = {
    ...(label === '' ? {} : { [names.bindingLabel]: label }),
    ...(exempt ? { [exemptLabel.name]: exemptLabel.value } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: node,
      serviceAccountName: account,
      containers: [{ name: 'app', image: 'local.test/app:1' }],
    },
  };
}

/** It sends requests as soon as its status has its address. */
export async function runPod(world: World, pod: NewPod): Promise<void> {
  await put(world, podObjectOf(pod));
  const address = world.nextAddress(pod.node);
  start(world, pod, address);
  await writeStatus(world, pod, address);
}

/** It is scheduled, and sends no requests yet. */
export async function schedulePod(world: World, pod: NewPod): Promise<void> {
  await put(world, podObjectOf(pod));
}

/** Unless it was deleted or finished before it ran. Its last status never says that it runs. */
export async function startScheduled(
  world: World,
  { pod, address, lagMs }: { readonly pod: NewPod; readonly address: string; readonly lagMs: number },
): Promise<void> {
  const object = world.stage.sim.kube.get('pods', pod.name, pod.namespace);
  const { phase } = (object?.['status'] ?? {}) as { readonly phase?: string };
  if (object === undefined || phase === 'Succeeded') return;
  start(world, pod, address);
  await delay(lagMs);
  if (world.pods.get(podKey(pod))?.address === address) await writeStatus(world, pod, address);
}

/** From now on the address belongs to the pod. */
function start({ pods, recorder }: World, pod: NewPod, address: string): void {
  pods.set(podKey(pod), { node: pod.node, address, kept: new Agent({ keepAlive: true }) });
  recorder.address(address, podKey(pod));
}

async function writeStatus(world: World, pod: NewPod, address: string): Promise<void> {
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }] };
  await world.reliably(`status of ${podKey(pod)}`, () =>
    setPodStatus(world.stage.kube, podObjectOf(pod), status),
  );
}

export async function relabelPod(
  world: World,
  { namespace, name, label }: { namespace: string; name: string; label: string },
): Promise<void> {
  const path = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace, name });
  const body = { metadata: { labels: { [names.bindingLabel]: label === '' ? null : label } } };
  const contentType = 'application/merge-patch+json';
  await world.reliably(`label of ${namespace}/${name}`, () =>
    world.stage.kube.request({ method: 'PATCH', path, body, contentType }),
  );
}

interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Its address, which is free from now on; undefined: it did not run. */
export function removePod(world: World, pod: PodName): Promise<string | undefined> {
  return endPod(world, pod, () =>
    deleteObject(world.stage.kube, { apiVersion: 'v1', kind: 'Pod', metadata: pod }),
  );
}

/** The same of a pod whose containers have ended: the object stays, and so does the address in its status. */
export function finishPod(world: World, pod: PodName): Promise<string | undefined> {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: pod };
  return endPod(world, pod, () => setPodStatus(world.stage.kube, object, { phase: 'Succeeded' }));
}

async function endPod(world: World, pod: PodName, end: () => Promise<unknown>): Promise<string | undefined> {
  const key = podKey(pod);
  const live = world.pods.get(key);
  // It stops sending requests before it ends.
  world.pods.delete(key);
  live?.kept.destroy();
  await world.reliably(`end of ${key}`, end);
  if (live) world.recorder.address(live.address, undefined);
  return live?.address;
}
