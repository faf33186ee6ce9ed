// Steps that many tests on a real cluster take.
import { deleteObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import * as on from '../objects.ts';
import { askingPod, type AskingSpec } from './asking.ts';
import { withState } from './rollout.ts';
import type { ClusterStage } from './stage.ts';
import { nextLine } from './told.ts';

export const patienceMs = 120_000;

export interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses?: readonly ContainerStatus[];
}
interface ContainerStatus {
  readonly restartCount: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}
interface ContainerState {
  readonly running?: object;
  readonly terminated?: object;
}
export const statusOf = (pod: KubeObject): PodStatus => pod['status'] ?? {};
const podsOf = (namespace: string) => pathOf({ apiVersion: 'v1', kind: 'Pod', namespace });

/** A managed identity of this name in Azure, and the objects that give it to pods with a label of its name; returns its client id. */
export async function bindIdentity(
  stage: ClusterStage,
  name: string,
  namespace = 'default',
): Promise<{ readonly id: string; readonly clientId: string }> {
  const identity = await stage.azure.ask('identity', { name: `${name}-of-${namespace}` });
  for (const object of on.identityObjects({ name, namespace, ...identity })) await stage.create(object);
  return identity;
}

/** Starts a pod and waits for its first token; returns the application that the token says. */
export async function firstToken(stage: ClusterStage, spec: AskingSpec): Promise<string> {
  await stage.create(askingPod(spec));
  const told = stage.told(spec.name);
  return tokenOf(await withState(stage, () => told.first(isToken, patienceMs)));
}

export const isToken = (line: string): boolean => line.startsWith('200 ');
export const tokenOf = (line: string): string => line.slice('200 '.length);

/** The next token that a running pod gets. */
export const nextToken = async (stage: ClusterStage, pod: string): Promise<string> =>
  tokenOf(await nextLine(stage.told(pod), isToken));

export function untilPod(
  stage: ClusterStage,
  of: { readonly name: string; readonly namespace?: string },
  fits: (status: PodStatus) => boolean,
): Promise<KubeObject> {
  return untilObject(stage.kube, {
    path: podsOf(of.namespace ?? 'default'),
    fits: (pod) => pod.metadata.name === of.name && fits(statusOf(pod)),
    withinMs: patienceMs,
  });
}

/** Deletes a pod with its own grace period, and waits until it is gone. */
export async function removePod(stage: ClusterStage, name: string, namespace = 'default'): Promise<void> {
  // The kubelet of 1.20 does not end a pod that is deleted before its status says that its containers run, for a minute or more.
  await untilPod(stage, { name, namespace }, ({ phase }) => phase !== 'Pending');
  const path = `${podsOf(namespace)}/${name}`;
  await stage.kube.request({ method: 'DELETE', path, body: { propagationPolicy: 'Background' } });
  await untilNoPod(stage, name, namespace);
}

/**
 * Deletes a pod as `kubectl delete --force` does: its object is gone while its containers still run. The kubelet of 1.20 needs up to ten seconds more
 * for the object of a pod that it ends itself.
 */
export const forgetPod = (stage: ClusterStage, name: string, namespace = 'default'): Promise<void> =>
  deleteObject(stage.kube, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } });

async function untilNoPod(stage: ClusterStage, name: string, namespace = 'default'): Promise<void> {
  await untilNone(stage.kube, {
    path: podsOf(namespace),
    fits: (pod) => pod.metadata.name === name,
    withinMs: patienceMs,
  });
}
