// A small cluster on this machine: simulated Azure, a simulated or real API server, the built services as
// processes, and pods with their own loopback addresses, for the demo and the end-to-end tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { startTimeOf, type PodPath, type Sim } from '@pod-identity/sim';
import { established, nodeObject, podObject, setPodStatus, type PodSpec } from './cluster.ts';
import { createCleanup } from './cleanup.ts';
import { applyObject, deleteObject, readManifests, type KubeObject } from './objects.ts';
import { inDeploy, rolesInDeploy } from './places.ts';
import { createPrograms, type ProgramOptions, type Programs, type StageNmi } from './programs.ts';
import { untilGranted } from './rights.ts';
import { openWorld, type StageWorld, type WorldOptions } from './world.ts';

export type { StageNmi } from './programs.ts';

export interface StageOptions extends WorldOptions, ProgramOptions {
  readonly nodes?: number;
}

export interface StagePod {
  readonly object: KubeObject;
  readonly node: number;
  readonly address: string;
}

interface Objects {
  apply(path: string): Promise<KubeObject[]>;
  /** @param by Who creates it. Default: the administrator. */
  create(object: KubeObject, by?: KubeTransport): Promise<KubeObject>;
  install(): Promise<void>;
}

interface Pods {
  runPod(spec: PodSpec): Promise<StagePod>;
  /** Gives an address to a pod that somebody else created on this node. */
  placePod(object: KubeObject, node: number): Promise<StagePod>;
  finishPod(pod: StagePod, phase: 'Succeeded' | 'Failed'): Promise<void>;
  removePod(pod: StagePod): Promise<void>;
  /** The path from a pod to the NMI of its node, in place of the redirection on a real node. */
  path(pod: StagePod, nmi: StageNmi): Promise<PodPath>;
}

export interface Stage extends Objects, Pods, Programs {
  readonly sim: Sim;
  readonly kube: KubeTransport;
  readonly kubeconfig: string;
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-'));
  const cleanup = createCleanup();
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const stop = () => cleanup.run();
  try {
    const world = await openWorld(options, { folder, nodes: options.nodes ?? 2, cleanup });
    const { sim, kube, kubeconfig } = world;
    const objects = createObjects(world);
    const pods = createPods(world, objects);
    return { sim, kube, kubeconfig, folder, stop, ...objects, ...pods, ...createPrograms(world, options) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function createObjects({ isReal, kube, nodes, cleanup }: StageWorld): Objects {
  const create = async (object: KubeObject, by = kube) => {
    if (!isReal || object.kind === 'CustomResourceDefinition') return applyObject(by, object);
    // A real server outlives the stage, so its objects are deleted.
    return cleanup.start(
      () => applyObject(by, object),
      () => deleteObject(kube, object),
    );
  };
  const apply = async (path: string) => {
    const applied: KubeObject[] = [];
    for (const object of await readManifests(path)) applied.push(await create(object));
    return applied;
  };
  const install = async () => {
    const objects: KubeObject[] = [];
    for (const path of ['crds', 'base/namespace.yaml', ...rolesInDeploy])
      objects.push(...(await apply(inDeploy(path))));
    await established(kube);
    // The simulated server applies new roles at once.
    if (isReal) await untilGranted(kube, objects);
    for (let node = 0; node < nodes; node += 1) await create(nodeObject(node));
  };
  return { create, apply, install };
}

function createPods({ kube, network }: StageWorld, objects: Objects): Pods {
  const placePod = async (object: KubeObject, node: number, status = {}) => {
    const address = network.podAddress(node + 1);
    const placed = { phase: 'Running', podIP: address, podIPs: [{ ip: address }], ...status };
    await setPodStatus(kube, object, placed);
    return { object, node, address };
  };
  return {
    runPod: async (spec) =>
      placePod(await objects.create(podObject(spec), spec.by), spec.node, startTimeOf(spec)),
    placePod: (object, node) => placePod(object, node),
    finishPod: (pod, phase) => setPodStatus(kube, pod.object, { phase }),
    removePod: (pod) => deleteObject(kube, pod.object),
    path: (pod, nmi) =>
      network.openPodPath({ podAddress: pod.address, target: { host: nmi.address, port: nmi.port } }),
  };
}
