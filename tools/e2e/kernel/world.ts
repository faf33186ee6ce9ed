// NMI as on a node: the built program in the node's network namespace and pods in theirs, on the real kernel.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from '../../stage/places.ts';
import { parseLine, startService, type Service } from '../../stage/service.ts';
import type { Answered, Call, ClientQuestions, LoadSpec, Tally } from './client.program.ts';
import type { CloudQuestions } from './cloud.program.ts';
import type { Arrival } from './metadata-door.ts';
import {
  metadataAddress,
  openNetwork,
  type KernelNetwork,
  type KernelPod,
  type Layout,
  type PodLinks,
} from './network.ts';
import type { NeighbourQuestions } from './neighbours.program.ts';
import { nodeIn, startProgram, type Program } from './program.ts';

const tokenPath = '/metadata/identity/oauth2/token';
export const tokenUrl = `http://${metadataAddress}${tokenPath}?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net`;

export interface KernelClient {
  readonly address: string;
  /** Undefined on the node itself. */
  readonly place?: KernelPod;
  /** A request with the header Metadata, by default for a token. */
  get(call?: Partial<Call>): Promise<Answered>;
  raw(text: string): Promise<string>;
  curl(...args: readonly string[]): Promise<string>;
  load(spec?: Partial<LoadSpec>): Promise<KernelLoad>;
}

/** Workers that each send requests without pause. */
export interface KernelLoad {
  /** Waits until so many more requests have ended with this result. */
  more(count: number, end: string): Promise<Tally>;
  stop(): Promise<Tally>;
}

export interface KernelWorld {
  readonly network: KernelNetwork;
  readonly node: string;
  readonly cloud: Program<CloudQuestions>;
  /** A pod with host network: it runs in the node's namespace. */
  readonly host: KernelClient;
  /** A pod, by default without a label; the API server has its address. */
  pod(spec: { readonly name: string; readonly label?: string }): Promise<KernelClient>;
  /** Moves the pod's address to a new namespace that the API server does not know. */
  heirOf(pod: KernelClient): Promise<KernelClient>;
  /** The entry of an address in the node's neighbour table, by NMI's own reader. */
  neighbourOf(address: string): Promise<string | undefined>;
  /** Creates an identity on the machine and a binding for pods labelled with its name; returns its client id. */
  identity(name: string): Promise<string>;
  /** Starts NMI, and resolves when it is ready. */
  startNmi(args?: readonly string[]): Promise<KernelNmi>;
  /** Starts NMI without waiting. */
  launchNmi(args?: readonly string[], env?: Readonly<Record<string, string>>): KernelNmi;
  /** Runs one of NMI's commands to its end. */
  command(name: string, ...args: readonly string[]): Promise<Service>;
  /** What reached the metadata service since the last call, except from the node itself. */
  bypasses(): Promise<readonly Arrival[]>;
  readonly stop: () => Promise<void>;
}

export interface KernelNmi {
  readonly service: Service;
  /** The status and text of /readyz. */
  readonly readyz: () => Promise<string>;
  /** Waits until /readyz fits. */
  until(fits: RegExp): Promise<void>;
  /** Waits until NMI has repaired its rules for the nth time. */
  repaired(times: number): Promise<void>;
}

export async function openKernelWorld(layout: Layout, links?: PodLinks): Promise<KernelWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-kernel-'));
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step().catch((error: unknown) => console.error(error));
  };
  try {
    return await build({ layout, links, folder, undo, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Building {
  readonly layout: Layout;
  readonly links: PodLinks | undefined;
  readonly folder: string;
  readonly undo: (() => Promise<void>)[];
  readonly stop: () => Promise<void>;
}

async function build({ layout, links, folder, undo, stop }: Building): Promise<KernelWorld> {
  const network = await openNetwork(layout, links);
  undo.push(() => network.remove());
  const start = async <Q extends CloudQuestions | ClientQuestions | NeighbourQuestions>(
    file: string,
    namespace: string,
    given: object = {},
  ) => {
    const program = await startProgram<Q>(file, given, { namespace, folder });
    undo.push(() => program.stop());
    return program;
  };
  const cloud = await start<CloudQuestions>('cloud.program.ts', network.cloud, {
    metadataAddress,
    apiAddress: network.cloudAddress,
  });
  const { node, api } = await cloud.ask('facts');
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(api)));

  const client = async (namespace: string, address: string) =>
    kernelClient(await start<ClientQuestions>('client.program.ts', namespace), address);
  const inPod = async (place: KernelPod) => ({ ...(await client(place.namespace, place.address)), place });
  const host = await client(network.node, network.nodeAddresses[0] ?? '');
  let neighbours: Promise<Program<NeighbourQuestions>> | undefined;
  const executable = await nodeIn(network.node, folder);
  const launch = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const service = startService({
      name: 'nmi',
      entry: built('nmi'),
      executable,
      args,
      env,
    });
    undo.push(() => service.stop());
    return service;
  };

  const launchNmi: KernelWorld['launchNmi'] = (args = [], env = {}) =>
    kernelNmi(
      launch(
        [
          ...['--node', node, '--kubeconfig', kubeconfig, '--log-format', 'json'],
          ...['--operation-mode', 'managed', '--forceNamespaced'],
          ...['--metadata-ip', metadataAddress, '--metadata-port', '80'],
          ...['--nmi-listen-address', '127.0.0.1', '--nmi-port', '2579'],
          ...['--http-probe-port', '0', '--prometheus-port', '0', '--ipt-update-interval-sec', '1', ...args],
        ],
        env,
      ),
      host,
    );

  return {
    network,
    node,
    cloud,
    host,
    stop,
    pod: async ({ name, label }) => {
      const place = await network.addPod();
      await cloud.ask('pod', { name, node, ip: place.address, ...(label === undefined ? {} : { label }) });
      return inPod(place);
    },
    heirOf: async ({ place }) => {
      if (place === undefined) throw new Error('the node keeps its address');
      return inPod(await network.handOver(place));
    },
    neighbourOf: async (address) => {
      neighbours ??= start<NeighbourQuestions>('neighbours.program.ts', network.node);
      return (await neighbours).ask('neighbourOf', { address });
    },
    identity: async (name) => {
      const { clientId } = await cloud.ask('identity', { name });
      await cloud.ask('bind', { name, identity: name, selector: name });
      return clientId;
    },
    launchNmi,
    startNmi: async (args) => {
      const nmi = launchNmi(args);
      await nmi.until(/^200 ready$/);
      return nmi;
    },
    command: async (name, ...args) => {
      const service = launch([name, ...args, '--log-format', 'json']);
      await service.ended;
      return service;
    },
    bypasses: async () =>
      (await cloud.ask('arrivals')).filter(({ source }) => !network.nodeAddresses.includes(source)),
  };
}

function kernelClient(program: Program<ClientQuestions>, address: string): KernelClient {
  let loads = 0;
  const headers = { Metadata: 'true' };
  return {
    address,
    get: (call = {}) => program.ask('get', { url: tokenUrl, headers, ...call }),
    raw: (text) => program.ask('raw', { host: metadataAddress, port: 80, text }),
    curl: (...args) => program.ask('curl', args),
    load: async (spec = {}) => {
      loads += 1;
      const name = `load ${loads}`;
      await program.ask('startLoad', { url: tokenUrl, headers, workers: 4, keepAlive: false, ...spec, name });
      return {
        more: (count, end) => program.ask('more', { name, count, end }),
        stop: () => program.ask('stopLoad', { name }),
      };
    },
  };
}

function kernelNmi(service: Service, host: KernelClient): KernelNmi {
  const isHealthDoor = ({ msg, role }: Readonly<Record<string, unknown>>) =>
    msg === 'admin server listening' && role === 'health';
  const readyz = async () => {
    const { port } = parseLine(await service.line((text) => isHealthDoor(parseLine(text))));
    const { status, body } = await host.get({ url: `http://127.0.0.1:${String(port)}/readyz` });
    return `${status} ${body.trim()}`;
  };
  return {
    service,
    readyz,
    // NMI checks the path of pods' requests only on a request of /readyz.
    until: async (fits) => {
      await service.logged('admin server listening');
      const late = AbortSignal.timeout(patienceMs);
      for (let said = await readyz(); !fits.test(said); said = await readyz())
        if (late.aborted) throw new Error(`NMI did not say ${String(fits)} within ${patienceMs} ms: ${said}`);
    },
    repaired: async (times) => {
      let seen = 0;
      await service.line((text) => {
        if (String(parseLine(text)['msg']).includes('put right')) seen += 1;
        return seen === times;
      });
    },
  };
}

const patienceMs = 60_000;

const kubeconfigFor = (server: string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'node',
  clusters: [{ name: 'node', cluster: { server } }],
  users: [{ name: 'node', user: { token: 'node' } }],
  contexts: [{ name: 'node', context: { cluster: 'node', user: 'node' } }],
});

/** The client id of the token, or the result of the request. */
export function subjectOf({ status, body, error }: Answered): string {
  if (error !== '') return error;
  if (status !== 200) return `${status}`;
  const { access_token: token } = JSON.parse(body) as { access_token: string };
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    appid: string;
  };
  return claims.appid;
}
