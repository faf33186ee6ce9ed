// The processes of a stage: the built services and the sample.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokerNamespace, freePort } from './broker.ts';
import { serviceAccountKubeconfig } from './cluster.ts';
import * as names from './names.ts';
import { nodeSettings } from './node-settings.ts';
import type { KubeObject } from './objects.ts';
import { built } from './places.ts';
import { startService, type Service } from './service.ts';
import type { PodPath } from '@pod-identity/sim';
import type { StageWorld } from './world.ts';

export interface BrokerOptions {
  /** The URL of the API server. Default: that of MIC and NMI. */
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly preload?: string | undefined;
}

interface BrokerStart extends BrokerOptions {
  readonly pod: KubeObject;
  /** Of its ServiceAccount, for Entra. */
  readonly assertion: string;
}

interface StartedBroker {
  readonly service: Service;
  readonly port: number;
  /** How it reaches Entra. */
  readonly loginArgs: readonly string[];
}

export interface StageNmi {
  readonly service: Service;
  readonly address: string;
  readonly port: number;
}

/** A node that is not one of the stage's own scale set. */
export interface NmiPlace {
  readonly node: string;
  /** The machine's name in Azure. */
  readonly machine: string;
  /** The number of the node in its address, from 1. */
  readonly position: number;
}

export interface ProgramOptions {
  /** With the manifests' settings for Node.js and its memory. */
  readonly asDeployed?: boolean;
  /** For MIC and NMI. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every line of every program. */
  onLine?(service: string, line: string): void;
}

export interface Programs {
  startMic(replica: string, args?: readonly string[]): Promise<Service>;
  startNmi(node: number | NmiPlace, args?: readonly string[]): Promise<StageNmi>;
  /** The broker of federated identities, as the process of this pod. */
  startBroker(start: BrokerStart): Promise<StartedBroker>;
  startSample(path: PodPath, env: Readonly<Record<string, string>>): Service;
}

interface Launch {
  readonly name: string;
  readonly entry: 'mic' | 'nmi' | 'keyvault-sample';
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly preload?: string | undefined;
}

/** Common to all programs: their start, and their account at the API server. */
function createLauncher(world: StageWorld, options: ProgramOptions) {
  return {
    launch({ name, entry, args = [], env = {}, preload }: Launch): Service {
      const onLine = (line: string) => options.onLine?.(name, line);
      world.cleanup.checkOpen();
      const service = startService({ name, entry: built(entry), args, env, preload, onLine });
      world.cleanup.add(() => service.stop());
      return service;
    },
    async kubeconfigOf(
      account: string,
      namespace = names.systemNamespace,
      server = world.serverOfServices,
    ): Promise<string> {
      const { isReal, kube, kubeconfig, folder, sim } = world;
      if (isReal) return serviceAccountKubeconfig({ kube, kubeconfig, account, namespace, folder, server });
      const file = join(folder, `${account}.kubeconfig`);
      await writeFile(file, sim.kube.kubeconfig(`${namespace}/${account}`));
      return file;
    },
    async settingsOf(program: 'mic' | 'nmi'): Promise<Readonly<Record<string, string>>> {
      return { ...options.env, ...(options.asDeployed && (await nodeSettings(program)).env) };
    },
  };
}

export function createPrograms(world: StageWorld, options: ProgramOptions): Programs {
  const launcher = createLauncher(world, options);
  return {
    startMic: (replica, args = []) => startMic(world, launcher, { replica, args }),
    startNmi: (at, args = []) =>
      startNmi(world, launcher, { place: typeof at === 'number' ? ownPlace(at) : at, args }),
    startBroker: (start) => startBroker(world, launcher, start),
    startSample: (path, env) =>
      launcher.launch({
        name: 'keyvault-sample',
        entry: 'keyvault-sample',
        env: {
          AZURE_POD_IDENTITY_AUTHORITY_HOST: path.url,
          NODE_EXTRA_CA_CERTS: world.sim.azure.caFile,
          KEYVAULT_URL: world.sim.azure.vaultUrl(names.vault),
          KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
          // Its web page: other programs of this machine have ports, too.
          PORT: '0',
          LISTEN_ADDRESS: '127.0.0.1',
          ...env,
        },
      }),
  };
}

type Launcher = ReturnType<typeof createLauncher>;

async function startMic(
  { sim, azureJson }: StageWorld,
  launcher: Launcher,
  { replica, args }: { readonly replica: string; readonly args: readonly string[] },
): Promise<Service> {
  const service = launcher.launch({
    name: `mic ${replica}`,
    entry: 'mic',
    args: [
      ...[
        '--kubeconfig',
        await launcher.kubeconfigOf('mic'),
        '--cloudconfig',
        azureJson,
        '--log-format',
        'json',
      ],
      ...['--http-probe-port', '0', '--prometheus-port', '0'],
      ...['--leader-election-namespace', names.systemNamespace],
      ...['--leader-election-instance', `mic-${replica}`],
      ...args,
    ],
    env: {
      ...(await launcher.settingsOf('mic')),
      MIC_POD_NAMESPACE: names.systemNamespace,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl(`${names.scaleSet}_0`),
    },
  });
  await service.logged('admin server listening');
  return service;
}

async function startNmi(
  { sim, network }: StageWorld,
  launcher: Launcher,
  { place, args }: { readonly place: NmiPlace; readonly args: readonly string[] },
): Promise<StageNmi> {
  const { node, machine, position } = place;
  const imds = new URL(sim.azure.imdsUrl(machine));
  const address = network.nodeAddress(position);
  const service = launcher.launch({
    name: `nmi ${node}`,
    entry: 'nmi',
    args: [
      ...['--node', node, '--kubeconfig', await launcher.kubeconfigOf('nmi'), '--log-format', 'json'],
      ...['--nmi-listen-address', address, '--nmi-port', '0', '--interception', 'none'],
      ...['--metadata-ip', imds.hostname, '--metadata-port', imds.port],
      ...['--http-probe-port', '0', '--prometheus-port', '0'],
      ...args,
    ],
    env: { ...(await launcher.settingsOf('nmi')), NODE_EXTRA_CA_CERTS: sim.azure.caFile },
    preload: network.hasOneAddress ? readsPodAddress : undefined,
  });
  const { port } = await service.logged('listening');
  return { service, address, port: Number(port) };
}

async function startBroker(
  { sim, folder }: StageWorld,
  launcher: Launcher,
  { pod: { metadata }, assertion, server, env, preload }: BrokerStart,
): Promise<StartedBroker> {
  const { name, uid = '' } = metadata;
  const assertionFile = join(folder, `${name}.assertion`);
  await writeFile(assertionFile, assertion);
  const port = await freePort();
  const loginArgs = ['--broker-login-host', sim.azure.entraUrl, '--broker-assertion-file', assertionFile];
  const service = launcher.launch({
    name,
    entry: 'nmi',
    args: [
      ...[
        'broker',
        '--kubeconfig',
        await launcher.kubeconfigOf('broker', brokerNamespace, server),
        '--log-format',
        'json',
      ],
      ...['--broker-port', String(port), ...loginArgs],
      ...['--http-probe-port', '0', '--prometheus-port', '0'],
    ],
    preload,
    env: {
      ...env,
      NODE_EXTRA_CA_CERTS: sim.azure.caFile,
      POD_NAMESPACE: brokerNamespace,
      POD_NAME: name,
      POD_UID: uid,
      POD_IP: '127.0.0.1',
    },
  });
  await service.logged('admin server listening');
  return { service, port, loginArgs };
}

/** NMI tells pods apart by the address of a connection, and learns it from the forwarder where all have the same one. */
const readsPodAddress = new URL('pod-address-preload.ts', import.meta.url).href;

/** An instance of the stage's scale set. */
const ownPlace = (instance: number): NmiPlace => ({
  node: names.nodeName(instance),
  machine: `${names.scaleSet}_${instance}`,
  position: instance + 1,
});
