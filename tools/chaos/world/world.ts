// The world of a run and its initial state: objects that stay, and pods by address.
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeError } from '@pod-identity/kit/kube';
import { createPodNetwork } from '@pod-identity/sim';
import * as names from '../../stage/names.ts';
import { applyObject, type KubeObject } from '../../stage/objects.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import type { AccessMode } from '../plan/faults.ts';
import type { ClientKind } from '../plan/operation.ts';
import { nmiNodes, nodes, probeNamespace, sharedIdentities, spareNode, teams } from '../plan/scene.ts';
import { azureOptions, hostIdOf, providerIdOf, seedAzure, type Latencies } from './azure.ts';
import { createProcesses, micNames, positionOf, type Processes, type Settings } from './processes.ts';
import { createRecorder, type Recorder } from './recorder.ts';

export interface LivePod {
  readonly node: string;
  readonly address: string;
  /** The connections that it keeps open. */
  readonly kept: Agent;
}

export interface World {
  readonly stage: Stage;
  readonly mode: AccessMode;
  readonly recorder: Recorder;
  readonly processes: Processes;
  readonly latencyMs: Latencies;
  /** Pods that run, by `namespace/name`. */
  readonly pods: Map<string, LivePod>;
  /** Takes the next address of the node. */
  nextAddress(node: string): string;
  /** Retries until the API server accepts it, as a user or a kubelet would. 404 and 409 are results. */
  reliably<T>(what: string, task: () => Promise<T>): Promise<T | undefined>;
  readonly stop: () => Promise<void>;
}

export interface WorldOptions extends Settings {
  onLine(service: string, line: string): void;
}

export async function openWorld(options: WorldOptions): Promise<World> {
  const latencyMs: Latencies = new Map();
  const recorder = createRecorder(Date.now);
  const stage = await openStage({
    nodes: 1,
    azure: azureOptions(latencyMs),
    asDeployed: true,
    onLine: (service, line) => {
      recorder.line(service, line);
      options.onLine(service, line);
    },
  });
  const network = createPodNetwork();
  const world: World = {
    stage,
    mode: options.mode,
    recorder,
    latencyMs,
    reliably,
    processes: createProcesses(stage, recorder, options),
    pods: new Map(),
    nextAddress: (node) => network.podAddress(positionOf(nodes.findIndex(({ name }) => name === node))),
    stop: async () => {
      for (const { kept } of world.pods.values()) kept.destroy();
      await stage.stop();
    },
  };
  try {
    recorder.attach(stage.sim);
    await furnish(world);
    for (const mic of micNames) await world.processes.startMic(mic);
    for (const node of nmiNodes) await world.processes.startNmi(node);
    await world.processes.leader();
    return world;
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

const patienceMs = 120_000;
const again: ReadonlySet<string> = new Set(['transport', 'unavailable', 'throttled', 'timeout', 'conflict']);

async function reliably<T>(what: string, task: () => Promise<T>): Promise<T | undefined> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code === 'not-found' || error.code === 'already-exists') return undefined;
      if (!again.has(error.code) || performance.now() > endsAt)
        throw new Error(`the API server did not accept it within ${patienceMs / 1000} s: ${what}`, {
          cause: error,
        });
    }
    await delay(200);
  }
}

export const residentBinding = (node: string): string => `resident-${node}`;
export const residentPod = (node: string): string => `resident-${node}`;

/** The API server's definitions, the hosts, the namespaces, and the objects that no operation touches. */
async function furnish(world: World): Promise<void> {
  const { stage } = world;
  await seedAzure(stage.sim);
  await stage.install();
  for (const name of [...teams, probeNamespace])
    await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const place of nodes) {
    if (place.name === spareNode) continue;
    await stage.create(nodeObjectOf(place.name));
  }
  const selectors = [
    ...nmiNodes.flatMap((node) => [
      [residentBinding(node), 'resident'],
      [`keeper-${node}`, 'resident'],
    ]),
    ...nodes.filter(({ host }) => host.startsWith('probe-')).map(({ host }) => [host, `${host}-identity`]),
  ] as [string, string][];
  for (const name of new Set(selectors.map(([, identity]) => identity)))
    await stage.create(identityObject({ stage, namespace: probeNamespace, name, azure: name }));
  for (const [name, identity] of selectors)
    await stage.create(bindingObject({ namespace: probeNamespace, name, identity, selector: name }));
}

export function nodeObjectOf(node: string): KubeObject {
  const place = nodes.find(({ name }) => name === node);
  if (!place) throw new TypeError(`the plan has no node ${node}`);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node },
    spec: { providerID: providerIdOf(place) },
  };
}

export const hostOfNode = (node: string): string =>
  hostIdOf(nodes.find(({ name }) => name === node)?.host ?? '');

const apiVersion = 'aadpodidentity.k8s.io/v1';
const clientIds = new Map<string, string>();

/** With the identity's current or last client id, with that of another one, or with none. */
export function identityObject(of: {
  readonly stage: Stage;
  readonly namespace: string;
  readonly name: string;
  readonly azure: string;
  readonly client?: ClientKind;
}): KubeObject {
  const { stage, namespace, name, azure, client = 'right' } = of;
  const resourceID = names.identityId(azure);
  const named = client === 'wrong' ? (sharedIdentities.find((other) => other !== azure) ?? azure) : azure;
  const clientID = client === 'none' ? {} : { clientID: clientIdOf(stage, named) };
  const spec = { type: 0, resourceID, ...clientID };
  return { apiVersion, kind: 'AzureIdentity', metadata: { name, namespace }, spec };
}

function clientIdOf({ sim }: Stage, azure: string): string {
  const found = sim.azure.world.findIdentity(names.identityId(azure))?.clientId;
  const known = found ?? clientIds.get(azure) ?? '';
  clientIds.set(azure, known);
  return known;
}

export function bindingObject(of: {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly selector: string;
}): KubeObject {
  const { namespace, name, identity, selector } = of;
  const spec = { azureIdentity: identity, selector };
  return { apiVersion, kind: 'AzureIdentityBinding', metadata: { name, namespace }, spec };
}

/** Creates it or replaces the one that is there. */
export function put(world: World, object: KubeObject): Promise<KubeObject | undefined> {
  const { kind, metadata } = object;
  return world.reliably(`${kind} ${metadata.name}`, () => applyObject(world.stage.kube, object));
}
