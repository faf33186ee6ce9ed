// A real cluster with the services installed as an administrator does: images, and the manifests of deploy/.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startCluster, type ClusterNode, type RunningCluster } from '@pod-identity/kit/testing';
import { established } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { applyObject, readManifests, type KubeObject } from '../../stage/objects.ts';
import { built, inDeploy, rolesInDeploy } from '../../stage/places.ts';
import { createPrintedLines, type PrintedLines } from '../../stage/printed-lines.ts';
import { isAllowed, untilGranted } from '../../stage/rights.ts';
import { runCommand } from '../../stage/run-command.ts';
import { startProgram, type Program } from '../kernel/program.ts';
import type { AzureQuestions } from './azure.program.ts';

export interface ClusterStage {
  readonly kube: KubeTransport;
  readonly node: ClusterNode;
  readonly azure: Program<AzureQuestions>;
  /** Applies objects of deploy/, without fields that this version of Kubernetes does not have. */
  apply(path: string): Promise<void>;
  create(object: KubeObject): Promise<KubeObject>;
  /** Whether a service's account has the right to patch nodes. */
  mayChangeNodes(account: 'mic' | 'nmi'): Promise<boolean>;
  /** Runs a program in the node's mount and process namespaces; returns its output. */
  onNode(...command: readonly string[]): Promise<string>;
  /** Runs a program in the node's network namespace; returns its output. */
  inNode(...command: readonly string[]): Promise<string>;
  /** Follows the log of a pod, from its beginning. */
  follow(pod: string): PrintedLines;
  stop(): Promise<void>;
}

export async function openClusterStage(): Promise<ClusterStage> {
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const cluster = await startCluster({ nodes: 1, providerId: names.providerId(0).replace(/0$/, '{i}') });
    undo.push(() => cluster.stop());
    return await build(cluster, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  cluster: RunningCluster,
  undo: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<ClusterStage> {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('the cluster has no node');
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-'));
  undo.push(() => rm(folder, { recursive: true }));
  const azure = await startProgram<AzureQuestions>(fileOfAzure, {}, { namespace: node.netns, folder });
  undo.push(() => azure.stop());
  const kube = await connectKube({ kubeconfig: cluster.kubeconfig, userAgent: 'pod-identity-stage' });
  undo.push(() => kube.close());

  const azureJson = join(folder, 'azure.json');
  await writeFile(azureJson, JSON.stringify(await azure.ask('configuration')));
  await cluster.inNode(node.name, 'cp', azureJson, '/etc/kubernetes/azure.json');
  await loadImages(cluster);

  const create = (object: KubeObject) => applyObject(kube, object);
  const apply = async (path: string) => {
    for (const object of await readManifests(inDeploy(path))) await create(forThisVersion(object));
  };
  for (const path of ['crds', 'base/namespace.yaml', ...rolesInDeploy]) await apply(path);
  await established(kube);
  for (const path of rolesInDeploy) await untilGranted(kube, await readManifests(inDeploy(path)));

  return {
    kube,
    node,
    azure,
    apply,
    create,
    stop,
    onNode: (...command) => cluster.inNode(node.name, ...command),
    mayChangeNodes: (name) =>
      isAllowed(kube, { name, namespace: names.systemNamespace }, { verb: 'patch', resource: 'nodes' }),
    inNode: async (...command) => (await runCommand('ip', ['netns', 'exec', node.netns, ...command])).stdout,
    follow: (pod) => {
      const [program, ...args] = cluster.kubectl('logs', '--follow', pod);
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = createPrintedLines(pod);
      createInterface({ input: child.stdout }).on('line', (line) => lines.add(line));
      child.once('close', () => lines.close('ended'));
      undo.push(() => child.kill());
      return lines;
    },
  };
}

const fileOfAzure = '../cluster/azure.program.ts';

/** With the image names of the manifests. */
async function loadImages(cluster: RunningCluster): Promise<void> {
  const program = (name: string) => [`${process.execPath}:/usr/bin/node`, `${dirname(built(name))}:/app`];
  const image = (name: string, files: readonly string[]) =>
    cluster.load({
      name: `docker.io/aad-pod-identity/${name}:0.1.0`,
      files: [...program(name), ...files],
      entrypoint: ['/usr/bin/node', `/app/${name}.js`],
    });
  await image('nmi', [
    ...['nft', 'iptables', 'iptables-restore', 'iptables-save', 'conntrack'].map(
      (name) => `/usr/sbin/${name}`,
    ),
    '/usr/bin/ip',
    '/usr/lib/x86_64-linux-gnu/xtables',
  ]);
  await image('mic', []);
}

/** Before Kubernetes 1.22 a DaemonSet had no maxSurge. */
function forThisVersion(object: KubeObject): KubeObject {
  if (object.kind !== 'DaemonSet') return object;
  return { ...object, spec: { ...(object['spec'] as object), updateStrategy: { type: 'RollingUpdate' } } };
}
