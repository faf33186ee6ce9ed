// Reads what the plans for a whole cluster and for a ServiceAccount are made of.
import { resources } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { micFlags } from '../../../mic/src/commands/plug-in.ts';
import { nmiFlags } from '../../../nmi/src/commands/plug-in.ts';
import { CommandProblem } from '../cli/command.ts';
import { fieldAt, keyOf, mapAt, nameOf, textAt, type ObjectName } from '../cluster/fields.ts';
import { getAllowed, itemsOf, listAllowed, unknownOf, type ClusterReader } from '../cluster/lists.ts';
import { isReady, ownOf } from '../cluster/services.ts';
import { accountOf } from '../cluster/workload.ts';
import {
  bindingsOf,
  readDefinition,
  readStoredIdentity,
  readBoundPods,
  readIdentityUsers,
  mustList,
  findIssuer,
  usersOf,
  type ReadContext,
} from './read-identity.ts';
import type { IdentityUsers } from './facts.ts';
import type { MigrationFacts } from './migration-state.ts';
import type { Original, OriginalFacts } from './to-ours.ts';
import { clientAnnotation, type WorkloadFacts } from './to-workload-identity.ts';

/** Whose pods come from a template that a patch changes. */
const templated = [clusterKinds.deployments, clusterKinds.statefulSets, clusterKinds.daemonSets];

const whole = (object: unknown) => object;
const keyAt = (object: unknown) => keyOf(nameOf(object));

export async function readMigrationFacts({ kube, signal, services }: ReadContext): Promise<MigrationFacts> {
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

const isOfWorkloadIdentity = (account: unknown): boolean =>
  clientAnnotation in mapAt(account, 'metadata.annotations');

export async function readOriginalFacts({ kube, signal, services }: ReadContext): Promise<OriginalFacts> {
  const { nmi, mic, unknown } = await services();
  const originalsOf = (role: Original['role'], all: typeof nmi | typeof mic): readonly Original[] =>
    all.flatMap((one) => (one.isOriginal ? [{ ...one, role }] : []));
  const definition = await readDefinition({ kube, signal });
  const text = definition.kind === 'read' ? JSON.stringify(fieldAt(definition.object, 'spec')) : '';
  return {
    originals: [...originalsOf('nmi', nmi), ...originalsOf('mic', mic)],
    own: { nmi: ownOf(nmi).some(isReady), mic: ownOf(mic).some(isReady) },
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
export async function readWorkloadFacts(
  context: ReadContext,
  account: ObjectName,
  chosen: string,
): Promise<WorkloadFacts> {
  const { kube, signal } = context;
  const got = await getAllowed({ kube, signal, kind: clusterKinds.serviceAccounts, ...account });
  if (got.kind !== 'read')
    throw new CommandProblem(`ServiceAccount ${keyOf(account)} could not be read: ${got.text}`);
  const all = await readBoundPods(context);
  const own = all.filter((pod) => keyOf(pod.account) === keyOf(account));
  const used = own.flatMap(({ identities }) => identities.map(({ key }) => key));
  const keys = chosen === '' ? [...new Set(used)] : [chosen];
  const [key = ''] = keys;
  if (keys.length !== 1)
    throw new CommandProblem(
      `its pods use ${keys.length === 0 ? 'no AzureIdentity' : keys.join(', ')}: name one by --identity NAMESPACE/NAME`,
    );
  const [namespace = '', name = ''] = key.split('/');
  const identity = await readStoredIdentity(context, namespace, name);
  // Without pods the mode of its namespace is not looked at: rights count for identities of type 3 alone.
  const stand = { key: '', account, isRbac: false, isPlaced: false, identities: [] };
  const users = await readIdentityUsers(context, identity, own.length > 0 ? own : [stand]);
  return {
    account: { ...account, object: got.object },
    identity,
    refusal: refusalOf(users),
    issuer: await findIssuer(context),
    hasWebhook: await findWebhook(context),
    workloads: (await Promise.all(templated.map((kind) => workloadsOf(context, kind, account)))).flat(),
    pods: usersOf(all, key),
    bindings: bindingsOf(await mustList(context, resources.AzureIdentityBinding, namespace), name),
  };
}

function refusalOf({ refused, unknown }: IdentityUsers): string | undefined {
  if (refused.length > 0) return 'it has no right on the identity, so that NMI gives it no token either';
  return unknown.length > 0 ? `its right is not known: ${unknown.join('; ')}` : undefined;
}

async function findWebhook({ kube, signal }: ClusterReader): Promise<boolean | undefined> {
  const list = await listAllowed({ kube, signal, kind: clusterKinds.mutatingWebhooks, trim: whole });
  if (list.kind !== 'read') return undefined;
  return list.items.some((object) => textAt(object, 'metadata.name').startsWith('azure-wi-webhook'));
}

async function workloadsOf(
  reading: ClusterReader,
  kind: (typeof templated)[number],
  { namespace, name }: ObjectName,
) {
  return (await mustList(reading, kind, namespace))
    .filter((object) => accountOf(object) === name)
    .map((object) => ({ target: { kind, namespace, name: textAt(object, 'metadata.name') }, object }));
}
