// All that the judgement is made of: plain lists of one namespace, or of all of them.
import {
  readNamespaceView,
  resources,
  type AzureIdentity,
  type AzurePodIdentityException,
  type NamespaceView,
} from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import { coreKinds, type ResourceKind } from '@pod-identity/kit/kube';
import {
  createTrims,
  type AssignedView,
  type BindingView,
  type IdentityView,
} from '../../../mic/src/commands/plug-in.ts';
import { readException, type FoundException } from '../../../nmi/src/commands/plug-in.ts';
import { readAgents, type Agents } from './agents.ts';
import { readyOf, type Reported } from './ready-condition.ts';
import { fieldAt, keyOf, mapAt, nameOf, textAt, type ObjectName } from './fields.ts';
import { getAllowed, itemsOf, listAllowed, type ClusterReader, type Listed } from './lists.ts';
import { readNode, type NodeFacts } from './node.ts';
import { readServices, type Services } from './services.ts';

export interface PodRead extends ObjectName {
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly nodeName: string;
  readonly isFinished: boolean;
  readonly isOnHostNetwork: boolean;
}

export interface ClusterRead {
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  readonly services: Services;
  readonly agents: Agents;
  readonly identities: Listed<Reported<IdentityView>>;
  readonly bindings: Listed<Reported<BindingView>>;
  readonly exceptions: Listed<AzurePodIdentityException>;
  readonly invalidExceptions?: readonly InvalidException[];
  readonly records: Listed<AssignedView>;
  readonly pods: Listed<PodRead>;
  readonly nodes: Listed<NodeFacts>;
  readonly namespaces: Listed<NamespaceView>;
  /** By key, of the Secrets that identities name. Undefined: it may not be read. */
  readonly secrets: ReadonlyMap<string, boolean | undefined>;
}

type InvalidException = Exclude<FoundException, { readonly value: unknown }>;

type Reading = ClusterReader & { readonly namespace: string | undefined };

export async function readCluster({ kube, signal, namespace }: Reading): Promise<ClusterRead> {
  const reading = { kube, signal, namespace };
  const services = await readServices({ kube, signal });
  const [agents, lists] = await Promise.all([readAgents(services, { kube, signal }), readLists(reading)]);
  const secrets = await readSecrets(itemsOf(lists.identities), reading);
  return { namespace, services, agents, ...lists, secrets };
}

async function readLists({ namespace, ...reading }: Reading) {
  type Trim<T> = (object: unknown) => T | undefined;
  const list = <T>(kind: ResourceKind, trim: Trim<T>) => listAllowed({ ...reading, kind, trim });
  /** Objects of other namespaces may concern the pods: of all namespaces, if they may be read. */
  const widest = async <T>(kind: ResourceKind, trim: Trim<T>): Promise<Listed<T>> => {
    const all = await list(kind, trim);
    if (all.kind === 'read' || all.why === 'absent' || namespace === undefined) return all;
    return listAllowed({ ...reading, kind, trim, namespace });
  };
  const trims = createTrims();
  const [identities, bindings, found, records, pods, nodes, namespaces] = await Promise.all([
    widest(
      resources.AzureIdentity,
      reported((object) => trims.identity(object)),
    ),
    widest(
      resources.AzureIdentityBinding,
      reported((object) => trims.binding(object)),
    ),
    widest(resources.AzurePodIdentityException, readException),
    widest(resources.AzureAssignedIdentity, (object) => trims.assigned(object)),
    listAllowed({ ...reading, kind: coreKinds.pods, trim: readPod, namespace }),
    list(coreKinds.nodes, readNode),
    list(coreKinds.namespaces, (object) => readNamespaceView(object)),
  ]);
  const exceptions = itemsOf(found).flatMap((one) => ('value' in one ? [one.value] : []));
  return {
    identities,
    bindings,
    exceptions: found.kind === 'read' ? ({ kind: 'read', items: exceptions } as const) : found,
    invalidExceptions: itemsOf(found).flatMap((one) => ('fault' in one ? [one] : [])),
    records,
    pods,
    nodes,
    namespaces,
  };
}

async function readSecrets(
  identities: readonly Reported<IdentityView>[],
  { namespace, ...reading }: Reading,
): Promise<ClusterRead['secrets']> {
  const named = identities.flatMap(({ view }) => {
    const secret = view.kind === 'valid' ? secretOf(view.identity) : undefined;
    const isShown = namespace === undefined || view.key.startsWith(`${namespace}/`);
    return secret !== undefined && isShown ? [[keyOf(secret), secret] as const] : [];
  });
  const limit = createLimit(8);
  const read = Array.from(new Map(named), ([key, secret]) =>
    limit(async () => {
      const got = await getAllowed({ ...reading, kind: coreKinds.secrets, ...secret });
      return [key, got.kind === 'read' ? true : got.why === 'absent' ? false : undefined] as const;
    }),
  );
  return new Map(await Promise.all(read));
}

const reported =
  <V>(trim: (object: unknown) => V | undefined) =>
  (object: unknown): Reported<V> | undefined => {
    const view = trim(object);
    return view && { view, ready: readyOf(object) };
  };

export function readPod(object: unknown): PodRead {
  return {
    ...nameOf(object),
    labels: mapAt(object, 'metadata.labels'),
    serviceAccount: textAt(object, 'spec.serviceAccountName'),
    nodeName: textAt(object, 'spec.nodeName'),
    isFinished: ['Succeeded', 'Failed'].includes(textAt(object, 'status.phase')),
    isOnHostNetwork: fieldAt(object, 'spec.hostNetwork') === true,
  };
}

/** Of service principals. */
export function secretOf({ metadata, spec }: AzureIdentity): ObjectName | undefined {
  const { type, clientPassword: { name, namespace = metadata.namespace ?? '' } = {} } = spec;
  return (type === 1 || type === 2) && name !== undefined && name !== '' ? { namespace, name } : undefined;
}
