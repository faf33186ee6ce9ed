// The cluster in which NMI is measured: nodes with many pods, and a fake IMDS for each.
import type { ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccessRemedy } from '@pod-identity/crd-types';
import { parse } from 'yaml';
import * as names from '../../stage/names.ts';
import { pathOf } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { PodSpec } from '../../stage/cluster.ts';
import { openStage, type Stage, type StagePod } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import { launch, type Place, type RunningNmi } from './nmi-process.ts';
import { createHostilePod, hostileNamespace, type HostilePod } from './nmi-secrets.ts';
import { manyPods } from './nmi-sizes.ts';

export const tokenPath = (resource: string) =>
  `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(resource)}`;
/** The resource of the token that all pods request repeatedly. */
export const path = tokenPath('https://vault.azure.net');

export interface NmiWorld extends AsyncDisposable {
  /** The addresses of each node's pods. */
  readonly nodes: readonly (readonly string[])[];
  /** On the node with many pods, in its own namespace; without client ids if there are no Secrets. */
  readonly hostile: HostilePod;
  /** Of the one identity. */
  readonly clientId: string;
  /** The base URL of the fake IMDS of the node's machine. */
  imds(node: number): URL;
  startNmi(node: number, args?: readonly string[], place?: Place): Promise<RunningNmi>;
  createNamespace(name: string): Promise<void>;
  /** Adds a custom resource; MIC has stopped by then. */
  create(object: Drafted): Promise<void>;
  /** Adds ClusterRoles and ClusterRoleBindings. */
  grant(remedy: Pick<AccessRemedy, 'objects'>): Promise<void>;
  /** Adds a pod and returns its address. */
  runPod(spec: PodSpec): Promise<string>;
}

export interface Drafted {
  readonly kind: 'AzureIdentity' | 'AzureIdentityBinding';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

/** A node for each number of pods, each pod Assigned to the one identity; MIC is stopped after that. */
export async function openNmiWorld(podsOfNodes: readonly number[], hostileSecrets = 0): Promise<NmiWorld> {
  const stage = await openStage({ nodes: podsOfNodes.length });
  const running: ChildProcess[] = [];
  try {
    const { nodes, hostile } = await fill(stage, podsOfNodes, hostileSecrets);
    const connection = await serviceAccount(stage);
    const imds = (node: number) => new URL(stage.sim.azure.imdsUrl(`${names.scaleSet}_${node}`));
    return {
      nodes,
      hostile,
      clientId: names.firstIdentity.clientId,
      imds,
      startNmi: async (node, args = [], place = {}) => {
        const { hostname, port } = imds(node);
        const nmi = await launch({ folder: stage.folder, ...place }, [
          ...['--node', names.nodeName(node), ...connection, '--log-format', 'json'],
          ...['--nmi-port', '0', '--http-probe-port', '0', '--prometheus-port', '0'],
          ...['--interception', 'none', '--metadata-ip', hostname, '--metadata-port', port],
          ...args,
        ]);
        running.push(...nmi.children);
        return nmi;
      },
      async createNamespace(name) {
        const at = { apiVersion: 'v1', kind: 'Namespace' };
        await stage.kube.request({ method: 'POST', path: pathOf(at), body: { ...at, metadata: { name } } });
      },
      async create({ kind, metadata, spec }) {
        const at = { apiVersion: 'aadpodidentity.k8s.io/v1', kind };
        const path = pathOf({ ...at, namespace: metadata.namespace });
        await stage.kube.request({ method: 'POST', path, body: { ...at, metadata, spec } });
      },
      grant: (remedy) => grant(stage, remedy),
      runPod: async (spec) => (await stage.runPod(spec)).address,
      async [Symbol.asyncDispose]() {
        for (const child of running) child.kill('SIGKILL');
        await stage.stop();
      },
    };
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

async function grant(stage: Stage, { objects }: Pick<AccessRemedy, 'objects'>): Promise<void> {
  for (const object of objects)
    await stage.kube.request({ method: 'POST', path: pathOf(object), body: object });
}

async function hostilePod(stage: Stage, secrets: number): Promise<HostilePod> {
  const pod = await createHostilePod(stage, manyPods, secrets);
  await untilAssigned(stage, hostileNamespace, secrets);
  return pod;
}

async function fill(stage: Stage, podsOfNodes: readonly number[], hostileSecrets: number) {
  await stage.install();
  const mic = await stage.startMic('1');
  for (const file of ['azureidentity', 'azureidentitybinding'])
    await stage.apply(inDeploy(`demo/${file}.yaml`));
  const nodes: StagePod[][] = [];
  for (const [node, pods] of podsOfNodes.entries()) {
    const running: StagePod[] = [];
    for (let index = 0; index < pods; index += 1)
      running.push(await stage.runPod({ name: `pod-${node}-${index}`, node, label: 'demo-app' }));
    nodes.push(running);
  }
  const hostile =
    hostileSecrets > 0 ? await hostilePod(stage, hostileSecrets) : { address: '', clientIds: [] };
  await untilAssigned(stage, 'default', nodes.flat().length);
  await mic.stop();
  return { nodes: nodes.map((running) => running.map(({ address }) => address)), hostile };
}

/** Waits until so many AzureAssignedIdentities of the namespace are Assigned. */
async function untilAssigned(stage: Stage, namespace: string, count: number): Promise<void> {
  const collection = pathOf({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureAssignedIdentity',
    namespace,
  });
  const assigned = new Set<string>();
  await untilObject(stage.kube, {
    path: collection,
    fits: (object) => {
      const { status } = (object['status'] ?? {}) as { status?: string };
      if (status === 'Assigned') assigned.add(object.metadata.name);
      return assigned.size === count;
    },
  });
}

/** As in a cluster, NMI reads the folder of its ServiceAccount: reading a kubeconfig needs more memory. */
async function serviceAccount(stage: Stage): Promise<string[]> {
  const config = parse(await readFile(stage.kubeconfig, 'utf8')) as {
    readonly clusters: readonly { readonly cluster: { readonly server: string } }[];
    readonly users: readonly { readonly user: { readonly token: string } }[];
  };
  const folder = join(stage.folder, 'service-account');
  await mkdir(folder);
  await writeFile(join(folder, 'token'), config.users[0]?.user.token ?? '');
  return ['--master', config.clusters[0]?.cluster.server ?? '', '--service-account-dir', folder];
}
