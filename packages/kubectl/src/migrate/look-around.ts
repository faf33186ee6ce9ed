// Reads what the plans for a whole cluster and for a ServiceAccount are made of.
import { resources } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { micFlags } from '../../../mic/src/commands/plug-in.ts';
import { nmiFlags } from '../../../nmi/src/commands/plug-in.ts';
import { CommandProblem } from '../cli/command.ts';
import { getAllowed, itemsOf, listAllowed, unknownOf } from '../cluster/lists.ts';
import { readWorkload } from '../cluster/workload.ts';
import {
  bindingsOf,
  lookAtDefinition,
  lookAtIdentity,
  lookAtPods,
  lookAtUsers,
  mustList,
  readIssuer,
  usersOf,
  type Reading,
  type Looking,
} from './look.ts';
import { keyOf, type ObjectName, type UsersSight } from './sight.ts';
import type { StandingSight } from './standing.ts';
import type { Original, OriginalSight } from './to-ours.ts';
import { clientAnnotation, type WorkloadSight } from './to-workload-identity.ts';
import { fieldAt, textAt } from './writes.ts';

/** Whose pods come from a template that a patch changes. */
const templated = [clusterKinds.deployments, clusterKinds.statefulSets, clusterKinds.daemonSets];

const whole = (object: unknown) => object;
const keyAt = (object: unknown) =>
  `${textAt(object, 'metadata.namespace')}/${textAt(object, 'metadata.name')}`;

export async function lookAtStanding({ kube, signal, services }: Looking): Promise<StandingSight> {
  const { nmi, mic, broker, unknown } = await services();
  const named = (isOriginal: boolean) =>
    [...mic, ...nmi].filter((one) => one.isOriginal === isOriginal).map(keyOf);
  const lists = await Promise.all(
    [resources.AzureIdentity, clusterKinds.serviceAccounts].map((kind) =>
      listAllowed({ kube, signal, kind, trim: whole }),
    ),
  );
  const [identities = [], accounts = []] = lists.map(itemsOf);
  const byType = Map.groupBy(identities, (object) => String(Number(fieldAt(object, 'spec.type') ?? 0)));
  return {
    originals: named(true),
    own: named(false),
    hasBroker: broker.length > 0,
    identities: Object.fromEntries(Array.from(byType, ([type, list]) => [type, list.map(keyAt)])),
    workloadAccounts: accounts.filter(isOfWorkloadIdentity).map(keyAt),
    unknown: [...unknown, ...lists.flatMap(unknownOf)],
  };
}

/** Annotations have dots in their names. */
function isOfWorkloadIdentity(account: unknown): boolean {
  const annotations = fieldAt(account, 'metadata.annotations');
  return typeof annotations === 'object' && annotations !== null && clientAnnotation in annotations;
}

export async function lookAtOriginal({ kube, signal, services }: Looking): Promise<OriginalSight> {
  const { nmi, mic, unknown } = await services();
  const originals = [...nmi, ...mic].flatMap(({ kind, isOriginal, object }): readonly Original[] => {
    const workload = isOriginal ? readWorkload(kind, object) : undefined;
    return workload === undefined || workload.role === 'broker' ? [] : [{ ...workload, role: workload.role }];
  });
  const isReady = (list: typeof nmi | typeof mic) =>
    list.some(({ isOriginal, replicas }) => !isOriginal && replicas.ready > 0);
  const definition = await lookAtDefinition({ kube, signal });
  const text = definition.kind === 'read' ? JSON.stringify(fieldAt(definition.object, 'spec')) : '';
  return {
    originals,
    own: { nmi: isReady(nmi), mic: isReady(mic) },
    definition: {
      // The original's have no such field.
      isOwn: text.includes('"allowedNamespaces"'),
      preservesUnknown: text.includes('"preserveUnknownFields":true'),
    },
    flags: { nmi: nmiFlags, mic: micFlags },
    unknown: definition.kind === 'not-read' ? [...unknown, definition.text] : unknown,
  };
}

/** `chosen`: the AzureIdentity, if the pods of the ServiceAccount use several or none. */
export async function lookAtAccount(
  looking: Looking,
  account: ObjectName,
  chosen: string,
): Promise<WorkloadSight> {
  const { kube, signal } = looking;
  const got = await getAllowed({ kube, signal, kind: clusterKinds.serviceAccounts, ...account });
  if (got.kind !== 'read')
    throw new CommandProblem(`ServiceAccount ${keyOf(account)} could not be read: ${got.text}`);
  const all = await lookAtPods(looking);
  const own = all.filter((pod) => keyOf(pod.account) === keyOf(account));
  const used = own.flatMap(({ identities }) => identities.map(({ key }) => key));
  const keys = chosen === '' ? [...new Set(used)] : [chosen];
  const [key = ''] = keys;
  if (keys.length !== 1)
    throw new CommandProblem(
      `its pods use ${keys.length === 0 ? 'no AzureIdentity' : keys.join(', ')}: name one by --identity NAMESPACE/NAME`,
    );
  const [namespace = '', name = ''] = key.split('/');
  const identity = await lookAtIdentity(looking, namespace, name);
  // Without pods the mode of its namespace is not looked at: rights count for identities of type 3 alone.
  const stand = { key: '', account, isRbac: false, isPlaced: false, identities: [] };
  const users = await lookAtUsers(looking, identity, own.length > 0 ? own : [stand]);
  return {
    account: { ...account, object: got.object },
    identity,
    refusal: refusalOf(users),
    issuer: await readIssuer(looking),
    hasWebhook: await findWebhook(looking),
    workloads: (await Promise.all(templated.map((kind) => workloadsOf(looking, kind, account)))).flat(),
    pods: usersOf(all, key),
    bindings: bindingsOf(await mustList(looking, resources.AzureIdentityBinding, namespace), name),
  };
}

function refusalOf({ refused, unknown }: UsersSight): string | undefined {
  if (refused.length > 0) return 'it has no right on the identity, so that NMI gives it no token either';
  return unknown.length > 0 ? `its right is not known: ${unknown.join('; ')}` : undefined;
}

async function findWebhook({ kube, signal }: Reading): Promise<boolean | undefined> {
  const list = await listAllowed({ kube, signal, kind: clusterKinds.mutatingWebhooks, trim: whole });
  if (list.kind !== 'read') return undefined;
  return list.items.some((object) => textAt(object, 'metadata.name').startsWith('azure-wi-webhook'));
}

async function workloadsOf(
  reading: Reading,
  kind: (typeof templated)[number],
  { namespace, name }: ObjectName,
) {
  return (await mustList(reading, kind, namespace))
    .filter((object) => (textAt(object, 'spec.template.spec.serviceAccountName') || 'default') === name)
    .map((object) => ({ target: { kind, namespace, name: textAt(object, 'metadata.name') }, object }));
}
