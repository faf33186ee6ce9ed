// Mistakes of which only running services tell: each in a namespace of its own, beside a cluster without a mistake.
import { accessAnnotation } from '@pod-identity/crd-types';
import { sendRaw } from '../clients/ask.ts';
import { allowUse, federatedObjects } from '../federated/objects.ts';
import type { BrokeredNmi } from '../federated/stage.ts';
import { addIdentity, bind, startPod } from '../objects.ts';
import * as names from '../../stage/names.ts';
import type { Stage, StagePod } from '../../stage/stage.ts';

export interface Planting {
  readonly stage: Stage;
  /** Of node 0. */
  readonly nmi: BrokeredNmi;
}

export interface RunningMistake {
  readonly name: string;
  /** The cause that `doctor` and `status` print. */
  readonly cause: RegExp;
  /** What `explain` says of the pod `app`, if the mistake concerns one. */
  readonly explained?: { readonly namespace: string; readonly says: RegExp };
  plant(planting: Planting): Promise<void>;
  /** Where Azure has to be changed by hand. */
  mend?(stage: Stage): void;
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

const runApp = (stage: Stage, namespace: string, node = 0): Promise<StagePod> =>
  stage.runPod({ name: 'app', namespace, node, label: 'reader', serviceAccount: 'app' });

/** An identity that MIC may assign, bound to the pods of the namespace. */
async function bindOwn(
  stage: Stage,
  namespace: string,
  { clientId, annotations }: { readonly clientId?: string; readonly annotations?: object } = {},
): Promise<void> {
  const identity = addIdentity(stage, namespace);
  grantOperator(stage, identity.resourceId);
  await createNamespace(stage, namespace, annotations);
  await bind(stage, { ...identity, ...(clientId !== undefined && { clientId }), name: 'reader', namespace });
}

let [lock, unassignable] = ['', ''];

export const runningMistakes: readonly RunningMistake[] = [
  {
    name: 'a client id of another identity',
    cause: /AzureIdentity mistyped\/reader: spec\.clientID is not the client id/,
    explained: { namespace: 'mistyped', says: /states another clientID/ },
    async plant({ stage }) {
      await bindOwn(stage, 'mistyped', { clientId: names.secondIdentity.clientId });
      await runApp(stage, 'mistyped');
    },
  },
  {
    name: 'an identity that MIC may not assign',
    cause: /AzureIdentity unassignable\/reader: Azure refused to attach it/,
    explained: { namespace: 'unassignable', says: /MIC has no right to assign this identity/ },
    async plant({ stage }) {
      await createNamespace(stage, 'unassignable');
      const identity = addIdentity(stage, 'unassignable');
      unassignable = identity.resourceId;
      await bind(stage, { ...identity, name: 'reader', namespace: 'unassignable' });
      await runApp(stage, 'unassignable');
    },
    mend: (stage) => grantOperator(stage, unassignable),
  },
  {
    name: 'a locked resource group',
    cause: /AzureIdentity frozen\/reader: .* could not be changed \(denied\)/,
    explained: { namespace: 'frozen', says: /could not be read or changed \(denied\)/ },
    async plant({ stage }) {
      lock = stage.sim.azure.world.lock(frozenGroup, 'ReadOnly').id;
      await bindOwn(stage, 'frozen');
      const pod = await startPod(stage, {
        name: 'app',
        namespace: 'frozen',
        node: 'frozen-0',
        label: 'reader',
      });
      await stage.placePod(pod, 0);
    },
    mend: ({ sim }) => sim.azure.world.unlock(lock),
  },
  {
    name: 'a node that NMI leaves out',
    cause: new RegExp(`NMI has no pod on node ${names.nodeName(1)}`),
    explained: { namespace: 'far', says: /has no pod on/ },
    async plant({ stage }) {
      await bindOwn(stage, 'far');
      await runApp(stage, 'far', 1);
    },
  },
  {
    name: 'a right that is missing where the namespace asks for rights',
    cause: /ServiceAccount strict\/app may not use AzureIdentity strict\/reader/,
    explained: { namespace: 'strict', says: /may not use AzureIdentity strict\/reader/ },
    async plant({ stage }) {
      await bindOwn(stage, 'strict', { annotations: { [accessAnnotation]: 'rbac' } });
      await runApp(stage, 'strict');
    },
  },
  {
    name: 'a federated credential that is missing',
    cause: /knew no federated credential of AzureIdentity trusting\/vault/,
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
];
