import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isKitRequired, kitFolder, whatIsMissing } from './kubernetes-kit.ts';
import { whyNoPrograms } from './test-programs.ts';

const run = promisify(execFile);
const outputLimit = 16 * 1024 * 1024;

export interface ClusterOptions {
  readonly nodes: number;
  /** `{i}` is the node's number from 0. */
  readonly providerId: string;
}

export interface ImageSpec {
  /** With its registry: `docker.io/library/x:1`. */
  readonly name: string;
  /** `source` or `source:destination`; shared libraries of executables are included. */
  readonly files: readonly string[];
  readonly entrypoint: readonly string[];
}

export interface ClusterNode {
  readonly name: string;
  readonly ip: string;
  readonly netns: string;
}

export interface RunningCluster {
  /** An administrator's; works outside the network namespaces of the cluster. */
  readonly kubeconfig: string;
  readonly nodes: readonly ClusterNode[];
  /** The command that runs kubectl as administrator. */
  kubectl(...args: readonly string[]): readonly [program: string, ...args: string[]];
  /** Makes an image and loads it into every node. */
  load(image: ImageSpec): Promise<void>;
  /** Loads an image from an archive, such as one of OCI, into every node. */
  import(archive: string): Promise<void>;
  /** Runs a program in the node's namespaces; returns its output. */
  inNode(node: string, ...command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** The reason to skip; undefined if a real cluster can start. With POD_IDENTITY_REQUIRE_KIT=1 a missing part is an error. */
export function whyNoCluster(): string | undefined {
  const missing = whyNoPrograms({ programs: ['ip', 'nft', 'iptables', 'conntrack'], root: true });
  return missing ?? (isKitRequired() ? undefined : whatIsMissing(kitFolder()));
}

/** Starts a real cluster from the Kubernetes test kit, with kubelets and pods, without access to other machines. */
export async function startCluster({ nodes, providerId }: ClusterOptions): Promise<RunningCluster> {
  const kit = kitFolder();
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-cluster-'));
  const directory = join(folder, 'state');
  const command = async (name: string, ...args: readonly string[]) =>
    (await run(join(kit, name), args, { maxBuffer: outputLimit })).stdout;
  const stop = async () => {
    await command('cluster', 'down', directory);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const port = await freePort();
    const options = ['--nodes', `${nodes}`, '--provider-id', providerId, '--api-port', `${port}`];
    await command('cluster', 'up', directory, ...options);
    const facts = JSON.parse(await readFile(join(directory, 'kit.json'), 'utf8')) as {
      readonly nodes: readonly ClusterNode[];
    };
    return {
      nodes: facts.nodes,
      kubeconfig: join(directory, 'outside.kubeconfig'),
      kubectl: (...args) => [join(kit, 'kit-kubectl'), directory, ...args],
      load: async ({ name, files, entrypoint }) => {
        const root = join(folder, 'root');
        const archive = join(folder, 'image.tar');
        await command('image', 'root', root, ...files);
        await command('image', name, root, archive, '--entrypoint', JSON.stringify(entrypoint));
        await command('image', 'import', directory, archive);
        await rm(root, { recursive: true });
        await rm(archive);
      },
      import: async (archive) => {
        await command('image', 'import', directory, archive);
      },
      inNode: (node, ...words) => command('cluster', 'exec', directory, node, ...words),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Below the range of ephemeral ports, so that no connection takes it before the cluster does. */
async function freePort(): Promise<number> {
  const port = randomInt(20_000, 30_000);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
  return port;
}
