// A whole small world on this machine: simulated Azure, a simulated or real API server, the built services as
// processes, and pods with loopback addresses of their own. The demo and the end-to-end tests stand on it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import {
  createPodNetwork,
  startSim,
  type PodPath,
  type Sim,
  type SimOptions,
  type World,
} from '@pod-identity/sim';
import { parse } from 'yaml';
import * as names from './names.ts';
import { applyObject, deleteObject, pathOf, readManifests, type KubeObject } from './objects.ts';
import { startService, type Service } from './service.ts';
import { untilObject } from './until.ts';

export interface StageOptions {
  /** A real API server instead of the simulated one. */
  readonly kubeconfig?: string;
  readonly azure?: NonNullable<SimOptions['azure']>;
  readonly nodes?: number;
  /** Every line of every program, as it comes. */
  onLine?(service: string, line: string): void;
}

export interface StageNmi {
  readonly service: Service;
  readonly address: string;
  readonly port: number;
}

export interface StagePod {
  readonly object: KubeObject;
  readonly node: number;
  readonly address: string;
}

export interface PodSpec {
  readonly name: string;
  readonly namespace?: string;
  readonly node: number;
  /** The value of aadpodidbinding; undefined: no such label. */
  readonly label?: string;
  /** From a manifest: everything but where it runs. */
  readonly object?: KubeObject;
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
  startNmi(node: number, args?: readonly string[]): Promise<StageNmi>;
  runPod(spec: PodSpec): Promise<StagePod>;
  finishPod(pod: StagePod, phase: 'Succeeded' | 'Failed'): Promise<void>;
  removePod(pod: StagePod): Promise<void>;
  /** The way from a pod to the NMI of its node, as behind the redirection of a real node. */
  path(pod: StagePod, nmi: StageNmi): Promise<PodPath>;
  startSample(path: PodPath, env: Readonly<Record<string, string>>): Service;
  stop(): Promise<void>;
}

const repository = fileURLToPath(new URL('../..', import.meta.url));
const built = (name: string) => join(repository, 'packages', name, 'dist', `${name}.js`);
export const inDeploy = (path: string): string => join(repository, 'deploy', path);

/** Seeds Azure: one scale set, the two identities of the story, the cluster's own, a vault that both may read. */
function seed(world: World, nodes: number): void {
  for (const { id, clientId } of [names.firstIdentity, names.secondIdentity, names.clusterIdentity]) {
    world.addIdentity({ resourceId: id, clientId, tenantId: names.tenant });
  }
  world.addScaleSet({
    id: names.scaleSetId(names.scaleSet),
    instances: nodes,
    identities: [names.clusterIdentity.id],
  });
  world.addVault({
    name: names.vault,
    secrets: { 'database-password': 'correct horse', 'api-key': 'battery staple' },
    readers: [],
  });
  for (const { id } of [names.firstIdentity, names.secondIdentity]) {
    world.allowRead(names.vault, world.identity(id).principalId);
  }
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
  stop(): Promise<void>;
}

// eslint-disable-next-line max-lines-per-function -- the stage is one list of what it offers, each a few lines
async function build({ options, nodes, folder, undo, stop }: Building): Promise<Stage> {
  const isReal = options.kubeconfig !== undefined;
  const sim = await startSim({ azure: { tenantId: names.tenant, ...options.azure, seed: (world) => seed(world, nodes) } });
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
      for (const path of ['crds', 'namespace.yaml', 'rbac']) await apply(inDeploy(path));
      await established(kube);
      for (let node = 0; node < nodes; node += 1) await create(nodeObject(node));
    },
    startMic: async (replica, args = []) => {
      const service = launch(`mic ${replica}`, 'mic', {
        args: [
          ...['--kubeconfig', await identityFor('mic'), '--cloudconfig', azureJson, '--log-format', 'json'],
          ...['--http-probe-port', '0', '--prometheus-port', '0', '--forceNamespaced'],
          ...[
            '--leader-election-namespace',
            names.systemNamespace,
            '--leader-election-instance',
            `mic-${replica}`,
          ],
          ...args,
        ],
        env: {
          MIC_POD_NAMESPACE: names.systemNamespace,
          AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl(`${names.scaleSet}_0`),
        },
      });
      await service.logged('admin server listening');
      return service;
    },
    startNmi: async (node, args = []) => {
      const imds = new URL(sim.azure.imdsUrl(`${names.scaleSet}_${node}`));
      const address = network.nodeAddress(node + 1);
      const service = launch(`nmi ${names.nodeName(node)}`, 'nmi', {
        args: [
          ...[
            '--node',
            names.nodeName(node),
            '--kubeconfig',
            await identityFor('nmi'),
            '--log-format',
            'json',
          ],
          ...['--nmi-listen-address', address, '--nmi-port', '0', '--redirect', 'none', '--forceNamespaced'],
          ...['--metadata-ip', imds.hostname, '--metadata-port', imds.port],
          ...['--http-probe-port', '0', '--prometheus-port', '0'],
          ...args,
        ],
      });
      const { port } = await service.logged('listening');
      return { service, address, port: Number(port) };
    },
    runPod: async (spec) => {
      const address = network.podAddress(spec.node + 1);
      const object = await create(podObject(spec));
      await setPodStatus(kube, object, { phase: 'Running', podIP: address, podIPs: [{ ip: address }] });
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

function azureConfiguration(sim: Sim): object {
  return {
    cloud: 'AzurePublicCloud',
    tenantId: names.tenant,
    subscriptionId: names.subscription,
    resourceGroup: names.nodeResourceGroup,
    vmType: 'vmss',
    useManagedIdentityExtension: true,
    userAssignedIdentityID: names.clusterIdentity.clientId,
    resourceManagerEndpoint: sim.azure.armUrl,
    activeDirectoryEndpoint: sim.azure.entraUrl,
  };
}

function nodeObject(node: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: names.nodeName(node) },
    spec: { providerID: names.providerId(node) },
  };
}

function podObject({ name, namespace = 'default', node, label, object }: PodSpec): KubeObject {
  const labels = {
    ...object?.metadata.labels,
    ...(label === undefined ? {} : { [names.bindingLabel]: label }),
  };
  const spec = (object?.['spec'] ?? { containers: [{ name: 'app', image: 'local.test/app:1' }] }) as object;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { ...spec, nodeName: names.nodeName(node) },
  };
}

async function setPodStatus(kube: KubeTransport, pod: KubeObject, status: object): Promise<void> {
  const { apiVersion, kind, metadata } = pod;
  await kube.request({
    method: 'PATCH',
    path: `${pathOf({ apiVersion, kind, namespace: metadata.namespace ?? 'default', name: metadata.name })}/status`,
    body: { status },
    contentType: 'application/merge-patch+json',
  });
}

async function established(kube: KubeTransport): Promise<void> {
  const isEstablished = (crd: KubeObject) => {
    const { conditions = [] } = (crd['status'] ?? {}) as { conditions?: { type: string; status: string }[] };
    return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
  };
  const path = pathOf({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' });
  for (const { metadata } of await readManifests(inDeploy('crds'))) {
    await untilObject(kube, {
      path,
      fits: (crd) => crd.metadata.name === metadata.name && isEstablished(crd),
    });
  }
}

/** A kubeconfig that can do just what the manifests' RBAC lets this ServiceAccount do. */
async function serviceAccountKubeconfig(of: {
  kube: KubeTransport;
  kubeconfig: string;
  account: string;
  folder: string;
}): Promise<string> {
  const path = `/api/v1/namespaces/${names.systemNamespace}/serviceaccounts/${of.account}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [], expirationSeconds: 3600 },
  };
  const answer = (await of.kube.request({ method: 'POST', path, body: request })) as {
    status: { token: string };
  };
  const admin = parse(await readFile(of.kubeconfig, 'utf8')) as { clusters: { name: string }[] };
  const cluster = admin.clusters[0]?.name ?? '';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: admin.clusters,
    users: [{ name: of.account, user: { token: answer.status.token } }],
    contexts: [{ name: of.account, context: { cluster, user: of.account } }],
    'current-context': of.account,
  };
  const file = join(of.folder, `${of.account}.kubeconfig`);
  await writeFile(file, JSON.stringify(config));
  return file;
}
