// Measures recovery by one pod, or one right.
import { setTimeout as delay } from 'node:timers/promises';
import { deleteObject } from '../../stage/objects.ts';
import { within } from '../../stage/within.ts';
import type { MeasuredFault } from '../plan/faults.ts';
import { probeNamespace } from '../plan/scene.ts';
import { identityIdOf, resourceIdOf } from './azure.ts';
import { podKey, removePod, runPod } from './pods.ts';
import { askForToken, type Asking } from './tokens.ts';
import { bindingObject, put, residentBinding, residentPod, type World } from './world.ts';

/** Longer than all limits of recovery times. */
export const patienceMs = 120_000;

/** A pod that needs an identity which is not on its host. */
export interface PodProbe {
  start(): Promise<void>;
  /** It is Assigned, and the machine has the identity. */
  right(): Promise<void>;
  end(): Promise<void>;
}

export function createPodProbe(world: World, { host, number }: MeasuredFault): PodProbe {
  const pod = { namespace: probeNamespace, name: `probe-pod-${number}`, node: host, label: host };
  const { kube, azure } = world.stage.sim;
  const id = identityIdOf(`${host}-identity`);
  const isAssigned = () =>
    kube.list('azureassignedidentities', probeNamespace).some((assigned) => {
      const { pod: name } = assigned['spec'] as { readonly pod: string };
      const { status } = (assigned['status'] ?? {}) as { readonly status?: string };
      return name === pod.name && status === 'Assigned';
    });
  const hasArrived = () => azure.world.hostRecord(resourceIdOf(host))?.effective.attached.has(id) === true;
  return {
    start: () => runPod(world, pod),
    right: async () => {
      await within(patienceMs, `AzureAssignedIdentity of ${podKey(pod)} on ${host}`, kube.until(isAssigned));
      await within(patienceMs, `${id} on ${host}`, azure.world.until(hasArrived));
    },
    end: async () => {
      await removePod(world, pod);
    },
  };
}

/** Revokes a right of a pod that has tokens. */
export interface RightProbe {
  revoke(): Promise<void>;
  /** The pod gets no token any more. */
  right(): Promise<void>;
  /** The pod has its right again, and tokens. */
  end(): Promise<void>;
}

export function createRightProbe(world: World, node: string): RightProbe {
  const name = residentBinding(node);
  const binding = bindingObject({ namespace: probeNamespace, name, identity: 'resident', selector: name });
  return {
    revoke: async () => {
      world.recorder.note(`binding ${name} deleted`);
      await world.reliably(`deletion of ${name}`, () => deleteObject(world.stage.kube, binding));
    },
    right: () => untilAnswer(world, { node }, isRefusal),
    end: async () => {
      await put(world, binding);
      await untilAnswer(world, { node }, (status) => status === 200);
    },
  };
}

/** A final response, not one that asks for a retry. */
export const isRefusal = (status: number): boolean => status >= 400 && status < 500 && status !== 429;

/** Waits until the pod that is always on the node gets such a response. */
export async function untilAnswer(
  world: World,
  { node, asking }: { readonly node: string; readonly asking?: Asking },
  fits: (status: number) => boolean,
): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  const key = podKey({ namespace: probeNamespace, name: residentPod(node) });
  let last = 'nothing';
  while (performance.now() < endsAt) {
    const [pod, nmi] = [world.pods.get(key), world.processes.nmi(node)];
    if (pod && nmi) {
      const { status, reason } = await askForToken(pod.address, nmi, asking);
      if (fits(status)) return;
      last = `${status} ${reason}`;
    }
    await delay(50);
  }
  throw new Error(
    `waited ${patienceMs / 1000} s without success for another response to ${key}; the last was ${last}`,
  );
}
