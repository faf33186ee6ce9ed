// A whole small world on this machine: simulated Azure, a simulated or real API server, the built services as
// processes, and pods with loopback addresses of their own. The demo and the end-to-end tests stand on it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import {
  createPodNetwork,
  startSim,
  startTimeOf,
  type PodPath,
  type Sim,
  type SimOptions,
} from '@pod-identity/sim';
import { azureConfiguration, seed } from './azure.ts';
import {
  established,
  nodeObject,
  podObject,
  serviceAccountKubeconfig,
  setPodStatus,
  type PodSpec,
} from './cluster.ts';
import * as names from './names.ts';
import { applyObject, deleteObject, readManifests, type KubeObject } from './objects.ts';
import { nodeSettings } from './node-settings.ts';
import { built, inDeploy } from './places.ts';
import { untilGranted } from './rights.ts';
import { startService, type Service } from './service.ts';

export interface StageOptions {
  /** A real API server instead of the simulated one. */
  readonly kubeconfig?: string;
  readonly azure?: NonNullable<SimOptions['azure']>;
  readonly nodes?: number;
  /** With the settings for Node.js and its memory that the manifests give the programs. */
  readonly asDeployed?: boolean;
  /** Every line of every program, as it comes. */
  onLine?(service: string, line: string): void;
}

export interface StageNmi {
  readonly service: Service;
  readonly address: string;
  readonly port: number;
}

/** A node that is not one of the stage's own scale set. */
export interface NmiPlace {
  readonly node: string;
  /** What Azure calls the machine. */
  readonly machine: string;
  /** Of the address, from 1. */
  readonly position: number;
}

export interface StagePod {
  readonly object: KubeObject;
  readonly node: number;
  readonly address: string;
}

export interface Stage {
  readonly sim: Sim;
  readonly kube: KubeTransport;
  readonly kubeconfig: string;
  readonly folder: string;
  apply(path: string): Promise<KubeObject[]>;
  create(object: KubeObject): Promise<KubeObject>;
  install(): Promise<void>;
  startMic(replica: string, args?: readonly string[]): Promise<Service>;
  startNmi(node: number | NmiPlace, args?: readonly string[]): Promise<StageNmi>;
  runPod(spec: PodSpec): Promise<StagePod>;
  finishPod(pod: StagePod, phase: 'Succeeded' | 'Failed'): Promise<void>;
  removePod(pod: StagePod): Promise<void>;
  /** The way from a pod to the NMI of its node, as behind the redirection of a real node. */
  path(pod: StagePod, nmi: StageNmi): Promise<PodPath>;
  startSample(path: PodPath, env: Readonly<Record<string, string>>): Service;
  readonly stop: () => Promise<void>;
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const nodes = options.nodes ?? 2;
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-'));
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step().catch((error: unknown) => console.error(error));
  };
  try {
    return await build({ options, nodes, folder, undo, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Building {
  readonly options: StageOptions;
  readonly nodes: number;
  readonly folder: string;
  readonly undo: (() => Promise<void>)[];
  readonly stop: () => Promise<void>;
}

// eslint-disable-next-line max-lines-per-function -- the stage is one list of what it offers, each a few lines
async function build({ options, nodes, folder, undo, stop }: Building): Promise<Stage> {
  const isReal = options.kubeconfig !== undefined;
  const sim = await startSim({
    azure: { tenantId: names.tenant, ...options.azure, seed: (world) => seed(world, nodes) },
  });
  undo.push(() => sim.stop());

  const kubeconfig = options.kubeconfig ?? join(folder, 'kubeconfig');
  if (!isReal) await writeFile(kubeconfig, sim.kube.kubeconfig());
  const kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-stage' });
  undo.push(() => kube.close());

  const azureJson = join(folder, 'azure.json');
  await writeFile(azureJson, JSON.stringify(azureConfiguration(sim)));
  const network = createPodNetwork();
  undo.push(() => network.close());

  const create = async (object: KubeObject) => {
    const applied = await applyObject(kube, object);
    // A real server outlives the stage: it gets back what it had.
    if (isReal && object.kind !== 'CustomResourceDefinition') undo.push(() => deleteObject(kube, object));
    return applied;
  };
  const apply = async (path: string) => {
    const applied: KubeObject[] = [];
    for (const object of await readManifests(path)) applied.push(await create(object));
    return applied;
  };
  const identityFor = async (account: string): Promise<string> => {
    if (!isReal) return kubeconfig;
    return serviceAccountKubeconfig({ kube, kubeconfig, account, folder });
  };
  const settingsOf = async (program: 'mic' | 'nmi') =>
    options.asDeployed ? (await nodeSettings(program)).env : {};
  const launch = (
    name: string,
    entry: string,
    more: { args?: readonly string[]; env?: Record<string, string> },
  ) => {
    const service = startService({
      name,
      entry: built(entry),
      ...more,
      onLine: (line) => options.onLine?.(name, line),
    });
    undo.push(() => service.stop());
    return service;
  };

  return {
    sim,
    kube,
    kubeconfig,
    folder,
    apply,
    create,
    stop,
    install: async () => {
      const objects: KubeObject[] = [];
      for (const path of ['crds', 'namespace.yaml', 'rbac']) objects.push(...(await apply(inDeploy(path))));
      await established(kube);
      // The simulated server knows no rights.
      if (isReal) await untilGranted(kube, objects);
      for (let node = 0; node < nodes; node += 1) await create(nodeObject(node));
    },
    startMic: async (replica, args = []) => {
      const service = launch(`mic ${replica}`, 'mic', {
        args: [
          ...['--kubeconfig', await identityFor('mic'), '--cloudconfig', azureJson, '--log-format', 'json'],
          ...['--http-probe-port', '0', '--prometheus-port', '0'],
          ...[
            '--leader-election-namespace',
            names.systemNamespace,
            '--leader-election-instance',
            `mic-${replica}`,
          ],
          ...args,
        ],
        env: {
          ...(await settingsOf('mic')),
          MIC_POD_NAMESPACE: names.systemNamespace,
          AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl(`${names.scaleSet}_0`),
        },
      });
      await service.logged('admin server listening');
      return service;
    },
    startNmi: async (at, args = []) => {
      const { node, machine, position } = typeof at === 'number' ? ownPlace(at) : at;
      const imds = new URL(sim.azure.imdsUrl(machine));
      const address = network.nodeAddress(position);
      const service = launch(`nmi ${node}`, 'nmi', {
        args: [
          ...['--node', node, '--kubeconfig', await identityFor('nmi'), '--log-format', 'json'],
          ...['--nmi-listen-address', address, '--nmi-port', '0', '--interception', 'none'],
          ...['--metadata-ip', imds.hostname, '--metadata-port', imds.port],
          ...['--http-probe-port', '0', '--prometheus-port', '0'],
          ...args,
        ],
        env: { ...(await settingsOf('nmi')), NODE_EXTRA_CA_CERTS: sim.azure.caFile },
      });
      const { port } = await service.logged('listening');
      return { service, address, port: Number(port) };
    },
    runPod: async (spec) => {
      const address = network.podAddress(spec.node + 1);
      const object = await create(podObject(spec));
      const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }], ...startTimeOf(spec) };
      await setPodStatus(kube, object, status);
      return { object, node: spec.node, address };
    },
    finishPod: (pod, phase) => setPodStatus(kube, pod.object, { phase }),
    removePod: (pod) => deleteObject(kube, pod.object),
    path: (pod, nmi) =>
      network.openPodPath({ podAddress: pod.address, target: { host: nmi.address, port: nmi.port } }),
    startSample: (path, env) =>
      launch('keyvault-sample', 'keyvault-sample', {
        env: {
          AZURE_POD_IDENTITY_AUTHORITY_HOST: path.url,
          NODE_EXTRA_CA_CERTS: sim.azure.caFile,
          KEYVAULT_URL: sim.azure.vaultUrl(names.vault),
          KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
          ...env,
        },
      }),
  };
}

/** An instance of the stage's scale set. */
const ownPlace = (instance: number): NmiPlace => ({
  node: names.nodeName(instance),
  machine: `${names.scaleSet}_${instance}`,
  position: instance + 1,
});
