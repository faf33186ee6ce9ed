// Mistakes of which only running services tell: each in a namespace of its own, beside a cluster without a mistake.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessAnnotation } from '@pod-identity/crd-types';
import { sendRaw } from '../clients/ask.ts';
import { allowUse, federatedObjects } from '../federated/objects.ts';
import type { BrokeredNmi } from '../federated/stage.ts';
import { addIdentity, bind, startPod } from '../objects.ts';
import * as names from '../../stage/names.ts';
import { deleteObject } from '../../stage/objects.ts';
import type { Stage, StagePod } from '../../stage/stage.ts';
import { listOf } from './services.ts';

export interface Planting {
  readonly stage: Stage;
  /** Of node 0. */
  readonly nmi: BrokeredNmi;
}

export interface RunningMistake {
  readonly name: string;
  /** Of `doctor`, and the object that it names. */
  readonly check: string;
  readonly object: string;
  /** What `explain` says of the pod `app`, if the mistake concerns one. */
  readonly explained?: { readonly namespace: string; readonly says: RegExp };
  /** The row of `status` with this mistake. */
  readonly row?: Readonly<Record<string, string>>;
  plant(planting: Planting): Promise<void>;
}

/** The identities of this group are MIC's to assign; `frozen` is the group of a scale set. */
const frozen = 'frozen-resource-group';
const frozenGroup = `/subscriptions/${names.subscription}/resourceGroups/${frozen}`;
const frozenPool = names.scaleSetId('frozen').replace(names.nodeResourceGroup, frozen);

function grantOperator({ sim: { azure } }: Stage, identity: string): void {
  const { principalId } = azure.world.identity(names.clusterIdentity.id);
  azure.world.grant(principalId, 'Managed Identity Operator', identity);
}

/** With the right to change its machines, and to assign the identities that it is to have. */
export function grantMic(stage: Stage): void {
  const { world } = stage.sim.azure;
  const { principalId } = world.identity(names.clusterIdentity.id);
  for (const group of [names.nodeResourceGroup, frozen])
    world.grant(
      principalId,
      'Virtual Machine Contributor',
      `/subscriptions/${names.subscription}/resourceGroups/${group}`,
    );
  for (const { id } of [names.firstIdentity, names.secondIdentity]) grantOperator(stage, id);
}

/** A scale set of one node in a resource group of its own. */
export async function addFrozenPool(stage: Stage): Promise<void> {
  stage.sim.azure.world.addScaleSet({ id: frozenPool, instances: 1 });
  await stage.create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'frozen-0', labels: { 'kubernetes.io/os': 'linux' } },
    spec: { providerID: `azure://${frozenPool}/virtualMachines/0` },
  });
}

async function createNamespace(stage: Stage, name: string, annotations = {}): Promise<void> {
  const metadata = { name, annotations };
  await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata });
  await stage.create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace: name, name: 'app' },
  });
}

export const runApp = (stage: Stage, namespace: string, node = 0): Promise<StagePod> =>
  stage.runPod({ name: 'app', namespace, node, label: 'reader', serviceAccount: 'app' });

/** An identity that MIC may assign, bound to the pods of the namespace. */
export async function bindOwn(
  stage: Stage,
  namespace: string,
  { clientId, annotations }: { readonly clientId?: string; readonly annotations?: object } = {},
): Promise<void> {
  const identity = addIdentity(stage, namespace);
  grantOperator(stage, identity.resourceId);
  await createNamespace(stage, namespace, annotations);
  await bind(stage, { ...identity, ...(clientId !== undefined && { clientId }), name: 'reader', namespace });
}

export const runningMistakes: readonly RunningMistake[] = [
  {
    name: 'a client id of another identity',
    check: 'client-ids',
    object: 'AzureIdentity/mistyped/reader',
    explained: { namespace: 'mistyped', says: /states another clientID/ },
    row: { kind: 'identity', namespace: 'mistyped', name: 'reader' },
    async plant({ stage }) {
      await bindOwn(stage, 'mistyped', { clientId: names.secondIdentity.clientId });
      await runApp(stage, 'mistyped');
    },
  },
  {
    name: 'an identity that MIC may not assign',
    check: 'pods',
    object: 'Pod/unassignable/app',
    explained: { namespace: 'unassignable', says: /MIC has no right to assign this identity/ },
    row: { kind: 'identity', namespace: 'unassignable', name: 'reader' },
    async plant({ stage }) {
      await createNamespace(stage, 'unassignable');
      await bind(stage, { ...addIdentity(stage, 'unassignable'), name: 'reader', namespace: 'unassignable' });
      await runApp(stage, 'unassignable');
    },
  },
  {
    name: 'a locked resource group',
    check: 'pods',
    object: 'Pod/frozen/app',
    explained: { namespace: 'frozen', says: /could not be read or changed \(denied\)/ },
    row: { kind: 'identity', namespace: 'frozen', name: 'reader' },
    async plant({ stage }) {
      stage.sim.azure.world.lock(frozenGroup, 'ReadOnly');
      await bindOwn(stage, 'frozen');
      const pod = await startPod(stage, {
        name: 'app',
        namespace: 'frozen',
        node: 'frozen-0',
        label: 'reader',
      });
      await stage.placePod(pod, 0);
    },
  },
  {
    name: 'a node that NMI leaves out',
    check: 'agents',
    object: `Node/${names.nodeName(1)}`,
    explained: { namespace: 'far', says: /has no pod on/ },
    row: { kind: 'agent', node: names.nodeName(1) },
    async plant({ stage }) {
      await bindOwn(stage, 'far');
      await runApp(stage, 'far', 1);
    },
  },
  {
    name: 'a right that is missing where the namespace asks for rights',
    check: 'pods',
    object: 'Pod/strict/app',
    explained: { namespace: 'strict', says: /may not use AzureIdentity strict\/reader/ },
    row: { kind: 'pod', namespace: 'strict', name: 'app' },
    async plant({ stage }) {
      await bindOwn(stage, 'strict', { annotations: { [accessAnnotation]: 'rbac' } });
      await runApp(stage, 'strict');
    },
  },
  {
    name: 'a federated credential that is missing',
    check: 'credentials',
    object: 'AzureIdentity/trusting/vault',
    async plant({ stage, nmi }) {
      stage.sim.azure.world.removeFederatedCredentials(names.firstIdentity.clientId);
      await createNamespace(stage, 'trusting');
      await allowUse(stage, { namespace: 'trusting', name: 'app' });
      for (const object of federatedObjects('trusting', names.firstIdentity.clientId))
        await stage.create(object);
      const spec = { name: 'app', namespace: 'trusting', node: 0, label: 'vault', serviceAccount: 'app' };
      const { body } = await sendRaw({ pod: await stage.runPod(spec), nmi });
      if (!body['error_description']?.includes('federated-credential create'))
        throw new Error(`the credential is not missing: ${JSON.stringify(body)}`);
    },
  },
  {
    name: 'the clock of a node',
    check: 'clocks',
    object: `Node/${names.nodeName(0)}`,
    plant: ({ stage }) => renewLease(stage, 10 * 60_000),
  },
  {
    name: 'the clock of the administrator',
    check: 'clocks',
    object: 'machine',
    plant: ({ stage }) => writeFile(aheadFile(stage), ''),
  },
];

/** While it is there, programs of the administrator see a clock that is ten minutes ahead. */
const aheadFile = ({ folder }: Stage): string => join(folder, 'ahead');

/** What the administrator's machine has, but for az: returns the environment of commands there. */
export async function prepareMachine(stage: Stage, bin: string): Promise<Readonly<Record<string, string>>> {
  const ahead = aheadFile(stage);
  const clock = join(stage.folder, 'clock.mjs');
  await writeFile(
    clock,
    `import { existsSync } from 'node:fs';
const { now } = Date;
Date.now = () => now() + (existsSync(${JSON.stringify(ahead)}) ? 600_000 : 0);
`,
  );
  const script = (name: string, text: string) =>
    writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await script('sudo', 'exec "$@"');
  await script('timedatectl', `test "$*" = 'set-ntp true' && rm ${ahead}`);
  return { NODE_OPTIONS: `--import ${clock}` };
}

/** As the kubelet of node 0: runs what `kubectl debug` has put there, and says by its Lease what the clock is then. */
export async function runDebugPods(stage: Stage): Promise<void> {
  for (const { metadata, ...pod } of await listOf(stage, { kind: 'Pod', namespace: 'default' })) {
    const { nodeName, hostPID, containers } = pod['spec'] as DebugSpec;
    const [{ command = [], args = [] } = {}] = containers;
    const isMeant = [...command, ...args].join(' ') === 'chroot /host timedatectl set-ntp true';
    if (isMeant && hostPID === true && nodeName === names.nodeName(0)) await renewLease(stage);
    await deleteObject(stage.kube, { apiVersion: 'v1', kind: 'Pod', metadata });
  }
}

interface DebugSpec {
  readonly nodeName?: string;
  readonly hostPID?: boolean;
  readonly containers: readonly { readonly command?: readonly string[]; readonly args?: readonly string[] }[];
}

/** As the kubelet of node 0 does, with a clock that is this far ahead. */
async function renewLease({ create }: Pick<Stage, 'create'>, aheadMs = 0): Promise<void> {
  const name = names.nodeName(0);
  await create({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'kube-node-lease', name },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: new Date(Date.now() + aheadMs).toISOString().replace('Z', '000Z'),
    },
  });
}
