// The cluster as MIC sees it, as far as the user may read it.
import {
  bindingLabel,
  fieldLimits,
  namespaceFields,
  readNamespaceView,
  resources,
  tooLargeProblems,
  type Kind,
  type Problem,
} from '@pod-identity/crd-types';
import { coreKinds, tooLargeIn, type KubeTransport } from '@pod-identity/kit/kube';
import {
  ClusterIndex,
  createTrims,
  mayListMore,
  memberOf,
  nodeFields,
  podFields,
  podFieldsWithLabels,
  Records,
  stringAt,
  type AssignedView,
  type BindingView,
  type IdentityView,
  type NodeView,
  type PodView,
} from '../../../mic/src/commands/plug-in.ts';
import { getAllowed, itemsOf, listAllowed, listWithin, unknownOf, type Listed } from './lists.ts';

export interface World {
  readonly index: ClusterIndex;
  readonly records: Records;
  /** Of the namespace, or of all of them. */
  readonly pods: readonly PodView[];
  /** Of all namespaces if the user may list them, since those of others may concern the pods. */
  readonly identities: readonly Reported<IdentityView>[];
  readonly bindings: readonly Reported<BindingView>[];
  /** Undefined if they may not be read. */
  readonly nodes: readonly Pick<NodeView, 'name'>[] | undefined;
  readonly hasRecords: boolean;
  /** Identities, bindings and pods of the namespace, or of all of them, were read. */
  readonly hasObjects: boolean;
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}

/** An object and what MIC said about it: views keep no long messages. */
export interface Reported<V> {
  readonly view: V;
  readonly ready: ReadyCondition | undefined;
}

export interface ReadyCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** The condition is about an earlier generation. */
  readonly isOutdated: boolean;
}

export interface Looking {
  readonly kube: KubeTransport;
  readonly signal: AbortSignal;
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  readonly forceNamespaced: boolean;
}

type Trims = ReturnType<typeof createTrims>;

export async function lookAtWorld(looking: Looking): Promise<World> {
  const trims = createTrims();
  const [identities, bindings, nodes, records, namespaces] = await Promise.all([
    listCustom(looking, 'AzureIdentity', (raw, tooLarge) => trims.identity(raw, tooLarge)),
    listCustom(looking, 'AzureIdentityBinding', (raw, tooLarge) => trims.binding(raw, tooLarge)),
    listAllowed({
      ...looking,
      namespace: undefined,
      kind: coreKinds.nodes,
      fields: nodeFields,
      trim: (raw) => trims.node(raw),
    }),
    listRecords(looking, trims),
    listNamespaces(looking),
  ]);
  const found = itemsOf(bindings).map(({ view }) => view);
  const pods = await listPods(looking, found, trims);
  const index = indexOf(looking, {
    identities: itemsOf(identities),
    bindings: found,
    pods: pods.items,
    namespaces,
    nodes,
  });
  const kept = new Records();
  for (const view of itemsOf(records)) kept.set(`${view.namespace}/${view.name}`, view);
  return {
    index,
    records: kept,
    pods: pods.items,
    identities: itemsOf(identities),
    bindings: itemsOf(bindings),
    nodes: nodes.kind === 'read' ? nodes.items : undefined,
    hasRecords: records.kind === 'read',
    hasObjects: identities.kind === 'read' && bindings.kind === 'read' && pods.unknown.length === 0,
    unknown: [...[identities, bindings, nodes, records, namespaces].flatMap(unknownOf), ...pods.unknown],
  };
}

async function listCustom<V>(
  { kube, signal, namespace }: Looking,
  kind: Kind,
  trim: (raw: unknown, tooLarge: readonly Problem[]) => V | undefined,
): Promise<Listed<Reported<V>>> {
  const wanted = {
    kube,
    signal,
    kind: resources[kind],
    fields: fieldLimits[kind],
    trim: (raw: unknown) => {
      const view = trim(raw, tooLargeProblems(tooLargeIn(raw)));
      return view && { view, ready: readyOf(raw) };
    },
  };
  return listWithin(wanted, namespace);
}

async function listRecords(looking: Looking, trims: Trims): Promise<Listed<AssignedView>> {
  const kind = 'AzureAssignedIdentity';
  // Without forceNamespaced MIC writes them to one namespace for all.
  const namespace = looking.forceNamespaced ? looking.namespace : undefined;
  const trim = (raw: unknown) => trims.assigned(raw, tooLargeProblems(tooLargeIn(raw)));
  return listAllowed({ ...looking, namespace, kind: resources[kind], fields: fieldLimits[kind], trim });
}

async function listNamespaces({ namespace, ...looking }: Looking) {
  const options = { ...looking, kind: coreKinds.namespaces, fields: namespaceFields };
  const trim = (raw: unknown) => readNamespaceView(raw, tooLargeIn(raw));
  const all = await listAllowed({ ...options, trim });
  if (all.kind === 'read' || namespace === undefined) return all;
  const one = await getAllowed({ ...options, name: namespace });
  return one.kind === 'read' ? ({ kind: 'read', items: [trim(one.object)] } as const) : one;
}

/** Those with the binding label; of namespaces with bindings that may select others, all. */
async function listPods(looking: Looking, bindings: readonly BindingView[], trims: Trims) {
  const { namespace } = looking;
  const options = { ...looking, kind: coreKinds.pods };
  const whole = new Set(
    bindings.flatMap((view) =>
      view.kind === 'valid' && mayListMore(view.binding) ? [view.binding.metadata.namespace ?? ''] : [],
    ),
  );
  const wanted = namespace === undefined ? [...whole] : whole.has(namespace) ? [namespace] : [];
  const lists = await Promise.all([
    listAllowed({
      ...options,
      fields: podFields,
      labelSelector: bindingLabel,
      trim: (raw) => trims.pod(raw),
    }),
    ...wanted.map((each) =>
      listAllowed({
        ...options,
        namespace: each,
        fields: podFieldsWithLabels,
        trim: (raw) => trims.wholePod(raw, tooLargeIn(raw).length > 0),
      }),
    ),
  ]);
  const byKey = new Map(lists.flatMap(itemsOf).map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  return { items: [...byKey.values()], unknown: lists.flatMap(unknownOf) };
}

interface Parts extends Pick<World, 'identities' | 'pods'> {
  readonly bindings: readonly BindingView[];
  readonly namespaces: Awaited<ReturnType<typeof listNamespaces>>;
  readonly nodes: Listed<NodeView>;
}

function indexOf({ forceNamespaced }: Looking, parts: Parts): ClusterIndex {
  const index = new ClusterIndex({ forceNamespaced });
  for (const view of itemsOf(parts.namespaces)) index.apply({ kind: 'namespace', key: view.name, view });
  for (const { view } of parts.identities) index.apply({ kind: 'identity', key: view.key, view });
  for (const view of parts.bindings) index.apply({ kind: 'binding', key: view.key, view });
  const nodes = parts.nodes.kind === 'read' ? parts.nodes.items : standInsFor(parts.pods);
  for (const view of nodes) index.apply({ kind: 'node', key: view.name, view });
  for (const view of parts.pods) index.apply({ kind: 'pod', key: `${view.namespace}/${view.name}`, view });
  return index.settle();
}

/** For a user who may not read nodes: pods are bound as on any machine of Azure. */
export function standInsFor(pods: readonly PodView[]): readonly NodeView[] {
  const names = new Set(pods.map(({ nodeName }) => nodeName).filter((name) => name !== ''));
  return Array.from(names, (name) => ({ name, providerId: `${anyMachine}/${name}` }));
}

const anyMachine =
  'azure:///subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/unknown/providers/Microsoft.Compute/virtualMachines';

export function readyOf(raw: unknown): ReadyCondition | undefined {
  const conditions = memberOf(memberOf(raw, 'status'), 'conditions');
  const ready = (Array.isArray(conditions) ? (conditions as unknown[]) : []).find(
    (condition) => stringAt(condition, 'type') === 'Ready',
  );
  if (ready === undefined) return undefined;
  const observed = memberOf(ready, 'observedGeneration');
  return {
    status: stringAt(ready, 'status'),
    reason: stringAt(ready, 'reason'),
    message: stringAt(ready, 'message'),
    isOutdated: observed !== undefined && observed !== memberOf(memberOf(raw, 'metadata'), 'generation'),
  };
}
