// The world that NMI is measured in: nodes full of pods, a fake IMDS, and NMI as its manifest starts it.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import * as names from '../../stage/names.ts';
import { pathOf, readManifests } from '../../stage/objects.ts';
import { built, inDeploy } from '../../stage/places.ts';
import type { PodSpec } from '../../stage/cluster.ts';
import { parseLine } from '../../stage/service.ts';
import { openStage, type Stage, type StagePod } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import { within } from '../../stage/within.ts';
import { createHostilePod, hostileNamespace, type HostilePod } from './nmi-secrets.ts';
import { manyPods } from './nmi-sizes.ts';

export interface NmiWorld extends AsyncDisposable {
  /** For each node the addresses of its pods. */
  readonly nodes: readonly (readonly string[])[];
  /** On the node with many pods, in another namespace. */
  /** In a namespace of its own; without client ids where no Secrets were asked for. */
  readonly hostile: HostilePod;
  /** Of the one identity. */
  readonly clientId: string;
  /** Base address of the fake IMDS of the node's machine. */
  imds(node: number): URL;
  startNmi(node: number, args?: readonly string[]): Promise<RunningNmi>;
  createNamespace(name: string): Promise<void>;
  /** Adds an object of ours, for which MIC does nothing any more. */
  create(object: Drafted): Promise<void>;
  /** Adds a pod; answers its address. */
  runPod(spec: PodSpec): Promise<string>;
}

export interface Drafted {
  readonly kind: 'AzureIdentity' | 'AzureIdentityBinding';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

export interface RunningNmi {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Of /metrics, on all addresses. */
  readonly metricsPort: number;
  /** From the start of the process until /readyz says 200. */
  readonly startMs: number;
  stop(): Promise<void>;
}

/** A node for each number of pods, each pod Assigned to the one identity; MIC is gone afterwards. */
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
      startNmi: async (node, args = []) => {
        const { hostname, port } = imds(node);
        const nmi = await launch(stage.folder, [
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

/** Until so many AzureAssignedIdentities of the namespace are. */
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

/** In a cluster NMI reads the folder of its ServiceAccount and no kubeconfig, which would cost it memory. */
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

/** What the manifest sets for the container, apart from what Kubernetes fills in. */
async function environmentOfManifest(): Promise<Record<string, string>> {
  const [daemonSet] = await readManifests(inDeploy('nmi/daemonset.yaml'));
  const { template } = daemonSet?.['spec'] as {
    template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } };
  };
  const variables = template.spec.containers.flatMap(({ env = [] }) => env);
  return Object.fromEntries(
    variables.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
}

const startPatienceMs = 60_000;
const endPatienceMs = 30_000;

/** The next question follows the last answer at once: nothing tells when it is ready but the answer. */
async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while ((await fetch(url, { signal })).status !== 200);
}

interface Launched extends RunningNmi {
  readonly children: readonly ChildProcess[];
}

async function launch(folder: string, args: readonly string[]): Promise<Launched> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...(await environmentOfManifest()) };
  const out = await openOutput(folder);
  const told = new Map<string, Readonly<Record<string, unknown>>>();
  const { promise: listening, resolve, reject } = Promise.withResolvers<undefined>();
  out.onLine((line) => {
    const fields = parseLine(line);
    told.set(String(fields['role'] ?? fields['msg']), fields);
    if (told.has('listening') && told.has('health') && told.has('metrics')) resolve(undefined);
  });
  const begun = performance.now();
  const child = spawn(process.execPath, [built('nmi'), ...args], {
    env,
    stdio: ['ignore', out.descriptor, 'inherit'],
  });
  child.once('exit', (code) => reject(new Error(`NMI ended with ${code ?? 'a signal'}`)));
  const heard = () => `NMI to listen on all its ports; so far it said: ${[...told.keys()].join(', ')}`;
  await within(startPatienceMs, heard, listening).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const address = String(told.get('listening')?.['address']);
  const health = `http://127.0.0.1:${String(told.get('health')?.['port'])}/readyz`;
  await within(startPatienceMs, 'NMI to be ready', untilReady(health, AbortSignal.timeout(startPatienceMs)));
  const startMs = performance.now() - begun;
  const dropper = await out.drop();
  closeSync(out.descriptor);
  const ended = once(child, 'close');
  return {
    ...{ children: [child, dropper], startMs, pid: child.pid ?? 0 },
    ...{ host: address, port: Number(told.get('listening')?.['port']) },
    metricsPort: Number(told.get('metrics')?.['port']),
    stop: async () => {
      child.kill();
      await within(endPatienceMs, 'NMI to end after SIGTERM', ended);
      dropper.kill();
    },
  };
}

/** For sed, which counts in its second buffer: the port for pods, health and metrics begin to listen in any order. */
const untilAllListen = '/listening"/{x;s/$/x/;/^xxx/{x;q};x}';

/**
 * A pipe, as a container has it. What is read from it is shown until NMI is ready; then it goes to nobody: a line for each
 * token is too much for the process that measures, and who reads them in a cluster is not on NMI's core either.
 */
async function openOutput(folder: string) {
  const path = join(folder, `output-${randomUUID()}`);
  await promisify(execFile)('mkfifo', [path]);
  // Open for both, so that opening waits for nobody.
  const descriptor = openSync(path, 'r+');
  // Readers open it for themselves: NMI may make its own end non-blocking, and a shared one would become so for them too.
  const reader = spawn('sed', ['-u', untilAllListen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: reader.stdout });
  const readerEnded = once(reader, 'close');
  return {
    descriptor,
    onLine: (listener: (line: string) => void) => lines.on('line', listener),
    /** What comes from now on is taken and dropped. */
    drop: async () => {
      await within(startPatienceMs, 'the last line of NMI that is read', readerEnded);
      return spawn('cat', [path], { stdio: ['ignore', 'ignore', 'inherit'] });
    },
  };
}
