// A real cluster with the services installed as an administrator does: images, and the manifests of deploy/. Azure is simulated.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import {
  startCluster,
  type ClusterNode,
  type ClusterOptions,
  type RunningCluster,
} from '@pod-identity/kit/testing';
import { buildImages } from '../../images/build.ts';
import type { ImageName } from '../../images/recipes.ts';
import { createCleanup, type Cleanup } from '../../stage/cleanup.ts';
import { established } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { applyObject, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy, rolesInDeploy } from '../../stage/places.ts';
import { createPrintedLines, type PrintedLines } from '../../stage/printed-lines.ts';
import { isAllowed, untilGranted } from '../../stage/rights.ts';
import { runCommand } from '../../stage/run-command.ts';
import { startProgram, type Program } from '../kernel/program.ts';
import type { AzureQuestions } from './azure.program.ts';
import { joinAzure } from './azure-network.ts';
import type { DoorQuestions } from './door.program.ts';
import { azureAddresses } from './places-of-azure.ts';

export interface StageNode extends ClusterNode {
  /** The metadata service of the node. */
  readonly door: Program<DoorQuestions>;
  /** Runs a program in the node's mount and process namespaces; returns its output. */
  on(...command: readonly string[]): Promise<string>;
  /** Runs a program in the node's network namespace; returns its output. */
  in(...command: readonly string[]): Promise<string>;
  /** As a machine that is switched off and on. */
  restart(): Promise<void>;
}

export interface ClusterStage {
  readonly kube: KubeTransport;
  readonly cluster: RunningCluster;
  readonly nodes: readonly [StageNode, ...StageNode[]];
  readonly azure: Program<AzureQuestions>;
  /** Applies objects of deploy/. */
  apply(path: string): Promise<void>;
  create(object: KubeObject): Promise<KubeObject>;
  /** The service's definitions, namespace and roles. */
  prepare(): Promise<void>;
  kubectl(...args: readonly string[]): Promise<string>;
  /** Whether a service's account has the right to patch nodes. */
  mayChangeNodes(account: 'mic' | 'nmi'): Promise<boolean>;
  /** What an asking pod reports, from the beginning. */
  told(pod: string): PrintedLines;
  /** Which pods asked a node's metadata service directly since the last call. */
  bypasses(): Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export interface StageOptions extends Pick<ClusterOptions, 'flavour'> {
  readonly nodes: number;
  /** The images in the nodes. Default: those of MIC and NMI. */
  readonly images?: readonly ImageName[];
}

export async function openClusterStage(options: StageOptions): Promise<ClusterStage> {
  const { nodes, flavour, images = ['mic', 'nmi'] } = options;
  const cleanup = createCleanup();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'pod-identity-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    // While the cluster starts, which mostly waits.
    const building = buildImages({ out: join(folder, 'images'), names: images });
    cleanup.add(() => building.catch(() => undefined));
    const providerId = names.providerId(0).replace(/0$/, '{i}');
    const cluster = await startCluster({ nodes, providerId, ...(flavour && { flavour }) });
    cleanup.add(() => cluster.stop());
    return await build({ cluster, folder, building }, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

interface Ground {
  readonly cluster: RunningCluster;
  readonly folder: string;
  readonly building: ReturnType<typeof buildImages>;
}

async function build({ cluster, folder, building }: Ground, cleanup: Cleanup): Promise<ClusterStage> {
  const azure = await startAzure(cluster, folder, cleanup);
  const kube = await connectKube({ kubeconfig: cluster.kubeconfig, userAgent: 'pod-identity-stage' });
  cleanup.add(() => kube.close());
  const nodes = await furnish({ cluster, azure, folder, cleanup });
  // The images of this run, with the names that the manifests have.
  for (const { archive } of await building) await cluster.import(archive);

  const create = (object: KubeObject) => applyObject(kube, object);
  const apply = async (path: string) => {
    for (const object of await readManifests(inDeploy(path))) await create(object);
  };
  return {
    kube,
    cluster,
    nodes,
    azure,
    apply,
    create,
    stop: () => cleanup.run(),
    prepare: async () => {
      for (const path of ['crds', 'base/namespace.yaml', ...rolesInDeploy]) await apply(path);
      await established(kube);
      for (const path of rolesInDeploy) await untilGranted(kube, await readManifests(inDeploy(path)));
    },
    kubectl: async (...args) => {
      const [program, ...words] = cluster.kubectl(...args);
      return (await runCommand(program, words)).stdout;
    },
    mayChangeNodes: (name) =>
      isAllowed(kube, { name, namespace: names.systemNamespace }, { verb: 'patch', resource: 'nodes' }),
    told: listen(azure, cleanup),
    bypasses: async () => {
      const arrivals = await Promise.all(nodes.map(({ door }) => door.ask('arrivals')));
      return arrivals
        .flat()
        .filter(({ source }) => source.startsWith('10.41.'))
        .map(({ source, what }) => `${source} ${what}`);
    },
  };
}

async function startAzure(
  cluster: RunningCluster,
  folder: string,
  cleanup: Cleanup,
): Promise<Program<AzureQuestions>> {
  const { namespace, remove } = await joinAzure(cluster);
  cleanup.add(remove);
  const given = { nodes: cluster.nodes.length };
  const azure = await startProgram<AzureQuestions>('../cluster/azure.program.ts', given, {
    namespace,
    folder,
  });
  cleanup.add(() => azure.stop());
  return azure;
}

interface Furnishing {
  readonly cluster: RunningCluster;
  readonly azure: Program<AzureQuestions>;
  readonly folder: string;
  readonly cleanup: Cleanup;
}

/** Gives each node its metadata service, Azure's names, and the files that a node of Azure has. */
async function furnish({ cluster, azure, folder, cleanup }: Furnishing): Promise<ClusterStage['nodes']> {
  const files = {
    '/etc/kubernetes/azure.json': JSON.stringify(await azure.ask('configuration')),
    '/etc/kubernetes/authority.pem': await azure.ask('authority'),
    '/etc/resolv.conf': `nameserver ${azureAddresses.host}\n`,
  };
  const writeFiles = async (node: string) => {
    for (const [index, [path, content]] of Object.entries(files).entries()) {
      const copy = join(folder, `etc-${index}`);
      await writeFile(copy, content, { mode: 0o600 });
      await cluster.inNode(node, 'cp', copy, path);
    }
    await cluster.inNode(node, 'chmod', '644', '/etc/kubernetes/authority.pem', '/etc/resolv.conf');
  };
  const [first, ...others] = await Promise.all(
    cluster.nodes.map(async (node, index): Promise<StageNode> => {
      const { name, netns: namespace } = node;
      await writeFiles(name);
      const place = { namespace, folder };
      const door = await cleanup.start(
        () => startProgram<DoorQuestions>('../cluster/door.program.ts', { node: index }, place),
        (started) => started.stop(),
      );
      return {
        ...node,
        door,
        on: (...command) => cluster.inNode(name, ...command),
        in: async (...command) => (await runCommand('ip', ['netns', 'exec', namespace, ...command])).stdout,
        restart: async () => {
          await cluster.restartNode(name);
          await writeFiles(name);
        },
      };
    }),
  );
  if (first === undefined) throw new Error('the cluster has no node');
  return [first, ...others];
}

/** Reads the reports of pods until the stage stops. */
function listen(azure: Program<AzureQuestions>, cleanup: Cleanup): (pod: string) => PrintedLines {
  const lines = new Map<string, PrintedLines>();
  const told = (pod: string) => {
    const known = lines.get(pod) ?? createPrintedLines(`the pod ${pod}`);
    lines.set(pod, known);
    return known;
  };
  let isOver = false;
  cleanup.add(() => (isOver = true));
  const read = async () => {
    while (!isOver) for (const { pod, line } of await azure.ask('reports')) told(pod).add(line);
  };
  read().catch((error: unknown) => {
    for (const each of lines.values()) each.close(`can report no more: ${String(error)}`);
  });
  return told;
}
