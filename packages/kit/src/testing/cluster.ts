import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { restartProcess, untilWorks } from './cluster-restart.ts';
import { removeEndedSandboxes, type SandboxRemoval } from './ended-sandboxes.ts';
import { isKitRequired, kitFolder, whatIsMissing } from './kubernetes-kit.ts';
import { whyNoPrograms } from './test-programs.ts';

const execute = promisify(execFile);
/** The longest are the start of a cluster and the import of an image into all its nodes. */
const commandMs = 300_000;
const limits = { maxBuffer: 16 * 1024 * 1024, timeout: commandMs, killSignal: 'SIGKILL' } as const;

/** Runs a program to its end; an error has its command line. */
async function run(program: string, args: readonly string[]): Promise<{ readonly stdout: string }> {
  const startedAt = performance.now();
  try {
    return await execute(program, args, limits);
  } catch (error) {
    if (performance.now() - startedAt < commandMs) throw error;
    const command = [program, ...args].join(' ');
    throw new Error(`waited ${commandMs} ms for the end of the command ${command}`, { cause: error });
  }
}

export interface ClusterOptions {
  readonly nodes: number;
  /** `{i}` is the node's number from 0. */
  readonly providerId: string;
  /** Default: v1.20. */
  readonly flavour?: 'v1.20' | 'v1.34';
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
  /** The network namespace of the API server, with the bridge br0 (10.40.0.1/24) that connects all nodes. */
  readonly control: string;
  /** The command that runs kubectl as administrator. */
  kubectl(...args: readonly string[]): readonly [program: string, ...args: string[]];
  /** Loads an image from an archive, such as one of OCI, into every node. */
  import(archive: string): Promise<void>;
  /** Kills the API server and starts it again with its own flags; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /**
   * As a machine that is switched off and on: all processes of the node are killed, its mounts, packet filter and routing rules are gone,
   * and its clock of time since boot begins again. Images and what the kubelet stored stay; files in /etc do not.
   */
  restartNode(node: string): Promise<void>;
  /** Runs a program in the node's namespaces; returns its output. */
  inNode(node: string, ...command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** The reason to skip; undefined if a real cluster can start. With POD_IDENTITY_REQUIRE_KIT=1 a missing part is an error. */
export function whyNoCluster(): string | undefined {
  const missing = whyNoPrograms({ programs: ['ip', 'nft', 'iptables', 'conntrack'], root: true });
  if (isKitRequired()) return missing;
  // First the kit, without which the programs would be installed for nothing.
  return whatIsMissing(kitFolder()) ?? missing;
}

/** Starts a real cluster from the Kubernetes test kit, with kubelets and pods, without access to other machines. */
export async function startCluster(settings: ClusterOptions): Promise<RunningCluster> {
  const { nodes: count, providerId, flavour = 'v1.20' } = settings;
  const kit = kitFolder();
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-cluster-'));
  const directory = join(folder, 'state');
  const command = async (name: string, ...args: readonly string[]) =>
    (await run(join(kit, name), args)).stdout;
  const removals: SandboxRemoval[] = [];
  const stop = async () => {
    await Promise.all(removals.map((each) => each.stop()));
    await command('cluster', 'down', directory);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const port = await freePort();
    const options = ['--nodes', `${count}`, '--provider-id', providerId, '--api-port', `${port}`];
    options.push('--flavour', flavour);
    await command('cluster', 'up', directory, ...options);
    const { nodes, netns: control } = JSON.parse(await readFile(join(directory, 'kit.json'), 'utf8')) as {
      readonly nodes: readonly ClusterNode[];
      readonly netns: string;
    };
    for (const { name } of nodes)
      removals.push(await removeEndedSandboxes(() => runtimeSocketOf(directory, name)));
    const inNode: RunningCluster['inNode'] = (node, ...words) =>
      command('cluster', 'exec', directory, node, ...words);
    const kubectl = (...args: readonly string[]) => run(join(kit, 'kit-kubectl'), [directory, ...args]);
    return {
      nodes,
      control,
      kubeconfig: join(directory, 'outside.kubeconfig'),
      kubectl: (...args) => [join(kit, 'kit-kubectl'), directory, ...args],
      import: async (archive) => {
        await command('image', 'import', directory, archive);
      },
      ...restarts({ directory, nodes, control, kubectl, inNode }),
      inNode,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** In the file system of the node, by the process that the kit has recorded for it. */
async function runtimeSocketOf(directory: string, node: string): Promise<string> {
  const [pid = ''] = (await readFile(join(directory, 'run', `${node}.pid`), 'utf8')).split(' ');
  return `/proc/${pid}/root/run/containerd/containerd.sock`;
}

function restarts(of: {
  readonly directory: string;
  readonly nodes: readonly ClusterNode[];
  readonly control: string;
  readonly kubectl: (...args: readonly string[]) => Promise<unknown>;
  readonly inNode: (node: string, ...command: readonly string[]) => Promise<unknown>;
}): Pick<RunningCluster, 'restartApiServer' | 'restartNode'> {
  const { directory, nodes, control, kubectl, inNode } = of;
  return {
    restartApiServer: async () => {
      const server = await restartProcess({ directory, name: 'api-server', netns: control });
      const isReady = async () => {
        await server.startIfEnded();
        await kubectl('get', '--raw', '/readyz');
      };
      await untilWorks('the API server after its restart', isReady).catch(async (cause: unknown) => {
        throw new Error(`${String(cause)}; the end of its log:\n${await server.logTail()}`, { cause });
      });
    },
    restartNode: async (name) => {
      const netns = nodes.find((node) => node.name === name)?.netns;
      if (netns === undefined) throw new Error(`there is no node ${name}`);
      const uptime = Math.floor(Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]));
      await restartProcess({
        directory,
        name,
        netns,
        between: () => clearNetwork(netns),
        command: ([program = '', ...args]) => [program, '--time', `--boottime=-${uptime}`, ...args],
      });
      // Until then its /etc is the machine's.
      const isItsOwn =
        "grep -q '^overlay /etc overlay ' /proc/mounts && test -e /etc/kubernetes/kubelet.yaml";
      await untilWorks(`the files of ${name} after its restart`, () => inNode(name, 'sh', '-c', isItsOwn));
    },
  };
}

/** What a machine loses when it is switched off; its addresses and routes are those of the kit. */
async function clearNetwork(netns: string): Promise<void> {
  const inside = (...words: readonly string[]) => run('ip', ['netns', 'exec', netns, ...words]);
  await inside('nft', 'flush', 'ruleset');
  const { stdout } = await inside('ip', 'rule');
  for (const [, preference = ''] of stdout.matchAll(/^(\d+):/gm))
    if (!['0', '32766', '32767'].includes(preference)) await inside('ip', 'rule', 'del', 'pref', preference);
  await inside('conntrack', '--flush');
  await inside('sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=0');
}

/** Below the range of ephemeral ports, so that no connection takes it before the cluster does. */
async function freePort(): Promise<number> {
  const port = randomInt(20_000, 30_000);
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return freePort();
    throw error;
  }
  server.close();
  await once(server, 'close');
  return port;
}
