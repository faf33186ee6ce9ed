// A real cluster of one node with our images, and helm. A small server stands for the metadata service of the machine; there is no other Azure.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startCluster, type ClusterNode, type RunningCluster } from '@pod-identity/kit/testing';
import { runHelm } from '../../chart/run-helm.ts';
import { createCleanup } from '../../stage/cleanup.ts';
import * as names from '../../stage/names.ts';
import { createPrintedLines, type PrintedLines } from '../../stage/printed-lines.ts';
import { runCommand } from '../../stage/run-command.ts';
import { loadImages } from '../cluster/stage.ts';

export interface ChartStage {
  readonly kube: KubeTransport;
  /** Helm 4. Rejects with what helm printed if it fails. */
  helm(...args: readonly string[]): Promise<string>;
  /** Helm 3. */
  helm3(...args: readonly string[]): Promise<string>;
  kubectl(...args: readonly string[]): Promise<string>;
  /** Runs a program in the node's network namespace; returns its output. */
  inNode(...command: readonly string[]): Promise<string>;
  /** Follows the log of a pod, from its beginning. */
  follow(pod: string): PrintedLines;
  stop(): Promise<void>;
}

interface Programs {
  readonly helm: string;
  readonly helm3: string;
}

export async function openChartStage(programs: Programs): Promise<ChartStage> {
  const cleanup = createCleanup();
  try {
    const cluster = await startCluster({ nodes: 1, providerId: names.providerId(0).replace(/0$/, '{i}') });
    cleanup.add(() => cluster.stop());
    const folder = await mkdtemp(join(tmpdir(), 'pod-identity-chart-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error('the cluster has no node');
    const machine = await startMachine(node);
    cleanup.add(() => machine.kill());
    await configureCloud(cluster, node, folder);
    await loadImages(cluster, join(folder, 'images'));
    const kube = await connectKube({ kubeconfig: cluster.kubeconfig, userAgent: 'pod-identity-stage' });
    cleanup.add(() => kube.close());
    return {
      kube,
      stop: () => cleanup.run(),
      helm: helmOf(programs.helm, cluster, folder),
      helm3: helmOf(programs.helm3, cluster, folder),
      kubectl: async (...args) => {
        const [kubectl, ...words] = cluster.kubectl(...args);
        return (await runCommand(kubectl, words)).stdout;
      },
      inNode: async (...command) =>
        (await runCommand('ip', ['netns', 'exec', node.netns, ...command])).stdout,
      follow: (pod) => {
        const [kubectl, ...words] = cluster.kubectl('logs', '--follow', pod);
        const child = spawn(kubectl, words, { stdio: ['ignore', 'pipe', 'inherit'] });
        const lines = createPrintedLines(pod);
        createInterface({ input: child.stdout }).on('line', (line) => lines.add(line));
        child.once('close', () => lines.close('ended'));
        cleanup.add(() => child.kill());
        return lines;
      },
    };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

const machineProgram = `
require('node:http')
  .createServer((request, response) => response.writeHead(404, { Server: 'machine' }).end())
  .listen(80, '169.254.169.254', () => console.log('listening'));`;

async function startMachine({ netns }: ClusterNode): Promise<ChildProcess> {
  const child = spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', machineProgram], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createPrintedLines('the metadata service');
  createInterface({ input: child.stdout }).on('line', (line) => lines.add(line));
  child.once('close', () => lines.close('ended'));
  await lines.first((line) => line === 'listening', 30_000);
  return child;
}

/** Writes the node's azure.json. */
async function configureCloud(cluster: RunningCluster, node: ClusterNode, folder: string): Promise<void> {
  const azureJson = join(folder, 'azure.json');
  const configuration = {
    cloud: 'AzurePublicCloud',
    tenantId: names.tenant,
    useManagedIdentityExtension: true,
  };
  await writeFile(azureJson, JSON.stringify(configuration));
  await cluster.inNode(node.name, 'cp', azureJson, '/etc/kubernetes/azure.json');
}

/** An error of helm says what is not ready, and why. */
const helmOf =
  (program: string, cluster: RunningCluster, folder: string): ChartStage['helm'] =>
  async (...args) => {
    try {
      return await runHelm({ program, kubeconfig: cluster.kubeconfig, folder }, args);
    } catch (error) {
      throw new Error(`${String(error)}\n${await stateOf(cluster)}`, { cause: error });
    }
  };

async function stateOf(cluster: RunningCluster): Promise<string> {
  const [kubectl, ...words] = cluster.kubectl('get', 'pods,events', '--namespace', names.systemNamespace);
  const { stdout } = await runCommand(kubectl, words);
  return stdout;
}
