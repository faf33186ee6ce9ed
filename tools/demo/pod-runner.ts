// The scheduler and the kubelets of `npm start -- --keep`, as far as there are any: a pod that somebody creates gets a node and an address,
// and a path to the NMI of its node. No container runs.
import type { PodPath } from '@pod-identity/sim';
import { KubeError } from '@pod-identity/kit/kube';
import { brokerNamespace } from '../stage/broker.ts';
import * as names from '../stage/names.ts';
import { pathOf, type KubeObject } from '../stage/objects.ts';
import type { Stage, StageNmi } from '../stage/stage.ts';

export interface RunningPod {
  /** `namespace/name`. */
  readonly name: string;
  readonly nodeName: string;
  /** Where it reaches NMI. */
  readonly url: string;
}

export interface PodRunner {
  /** Waits until pods were created or deleted, and returns which. */
  next(): Promise<{ readonly begun: readonly RunningPod[]; readonly ended: readonly RunningPod[] }>;
}

interface Place extends RunningPod {
  readonly path: PodPath;
}

/** Pods in here stand for processes of the demo. */
const ofPrograms = [names.systemNamespace, brokerNamespace];

export function createPodRunner(stage: Stage, nmis: readonly StageNmi[]): PodRunner {
  /** By uid; undefined: a pod that gets no place. */
  const places = new Map<string, Place | undefined>();
  const { kube } = stage.sim;
  const difference = () => {
    const current = (kube.list('pods') as KubeObject[])
      .filter(({ metadata: { namespace = '' } }) => !ofPrograms.includes(namespace))
      .map((pod) => [pod.metadata.uid ?? '', pod] as const);
    const uids = new Set(current.map(([uid]) => uid));
    return {
      begun: current.filter(([uid]) => !places.has(uid)),
      ended: [...places].filter(([uid]) => !uids.has(uid)),
    };
  };
  const isPlaced = (place: Place | undefined) => place !== undefined;
  return {
    next: async () => {
      await kube.until(() => Object.values(difference()).some((pods) => pods.length > 0));
      const { begun, ended } = difference();
      for (const [uid, place] of ended) {
        places.delete(uid);
        await place?.path.close();
      }
      for (const [uid, pod] of begun) places.set(uid, await placeOf(stage, nmis, { pod, turn: places.size }));
      return {
        begun: begun.map(([uid]) => places.get(uid)).filter(isPlaced),
        ended: ended.map(([, place]) => place).filter(isPlaced),
      };
    },
  };
}

/** @param created.turn Of the nodes, if the pod names none. */
async function placeOf(
  stage: Stage,
  nmis: readonly StageNmi[],
  created: { readonly pod: KubeObject; readonly turn: number },
): Promise<Place | undefined> {
  const { pod, turn } = created;
  const { nodeName = names.nodeName(turn % nmis.length) } = pod['spec'] as { nodeName?: string };
  const node = nmis.findIndex((_, index) => names.nodeName(index) === nodeName);
  const nmi = nmis[node];
  if (!nmi) return undefined;
  const { namespace = 'default', name } = pod.metadata;
  try {
    const { podIP: address } = (pod['status'] ?? {}) as { podIP?: string };
    const placed = address === undefined ? await run(stage, pod, node) : { object: pod, node, address };
    const path = await stage.path(placed, nmi);
    return { name: `${namespace}/${name}`, nodeName, url: path.url, path };
  } catch (error) {
    // It was deleted meanwhile.
    if (error instanceof KubeError && error.code === 'not-found') return undefined;
    throw error;
  }
}

async function run(stage: Stage, pod: KubeObject, node: number) {
  const { namespace = 'default', name } = pod.metadata;
  await stage.kube.request({
    method: 'PATCH',
    path: pathOf({ ...pod, namespace, name }),
    body: { spec: { nodeName: names.nodeName(node) } },
    contentType: 'application/merge-patch+json',
  });
  return stage.placePod(pod, node);
}
