// The cluster as MIC watches it, as far as the user may read it.
import { fieldLimits, resources, tooLargeProblems } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import { createInformer, tooLargeIn, type Informer, type KubeTransport } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import {
  ClusterIndex,
  createClusterWatch,
  createTrims,
  Records,
  type AssignedView,
  type Trims,
} from '../../../mic/src/commands/plug-in.ts';
import { readWithinRights } from '../access/within-rights.ts';
import { readyOf, standInsFor, type ReadyCondition, type World } from '../cluster/world.ts';
import { spareAbsentKinds } from './absent-kinds.ts';

export interface LiveWorld {
  /** Resolves when all that may be read is read. */
  readonly synced: Promise<unknown>;
  /** As it is now, and the keys of the pods of which something else than their own object has changed since the last call. */
  look(): { readonly world: World; readonly changed: ReadonlySet<string> };
  /** Calls the listener after each change. */
  onChange(listener: () => void): void;
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface Following {
  readonly kube: KubeTransport;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  readonly forceNamespaced: boolean;
}

const plurals = {
  identities: resources.AzureIdentity.plural,
  bindings: resources.AzureIdentityBinding.plural,
  records: resources.AzureAssignedIdentity.plural,
};
const spare = [...Object.values(plurals), 'pods', 'nodes', 'namespaces'];
/** For pods of namespaces with bindings by podSelector or serviceAccountName: the picture does not wait longer for them. */
const startMs = 5_000;

export function followWorld({ kube, clock, log, namespace, forceNamespaced }: Following): LiveWorld {
  // Without forceNamespaced MIC writes its records to one namespace for all.
  const only = forceNamespaced ? ['pods', plurals.records] : ['pods'];
  const reads = readWithinRights(kube, { namespace, spare, only });
  const { transport, unknown } = spareAbsentKinds(reads.transport, clock);
  const index = new ClusterIndex({ forceNamespaced });
  const { trims, conditions } = createNotingTrims();
  const tools = { transport, clock, log, random: Math.random };
  const watch = createClusterWatch({ ...tools, index, startMs, trims });
  const { records, informer, changed } = watchRecords(tools, trims);
  const [pods, nodes] = [new Set<string>(), new Set<string>()];
  watch.onPod((key, pod) => (pod === undefined ? pods.delete(key) : pods.add(key)));
  watch.onNode((name) => (index.nodeHost(name).exists ? nodes.add(name) : nodes.delete(name)));

  const mayRead = (plural: string) => !reads.isUnread(plural);
  return {
    synced: Promise.all([watch.synced, informer.synced]),
    onChange(listener) {
      watch.onChange(listener);
      informer.onChange(listener);
    },
    run: async (signal) => {
      await Promise.all([watch.run(signal), informer.run(signal)]);
    },
    look() {
      const shown = Array.from(pods, (key) => index.pod(key)).filter((pod) => pod !== undefined);
      if (!mayRead('nodes'))
        for (const view of standInsFor(shown)) index.apply({ kind: 'node', key: view.name, view });
      const news = new Set([...takeChanges(index.settle()), ...changed]);
      changed.clear();
      const keys = index.objects.keys();
      const world = {
        index,
        records,
        pods: shown.filter((pod) => namespace === undefined || pod.namespace === namespace),
        identities: reported(keys.identities, (key) => index.objects.identity(key), conditions),
        bindings: reported(keys.bindings, (key) => index.objects.binding(key), conditions),
        nodes: mayRead('nodes') ? Array.from(nodes, (name) => ({ name })) : undefined,
        hasRecords: mayRead(plurals.records),
        hasObjects: [plurals.identities, plurals.bindings, 'pods'].every(mayRead),
        unknown: [...reads.lacking(), ...unknown()],
      };
      return { world, changed: news };
    },
  };
}

type Conditions = WeakMap<object, ReadyCondition>;

/** The views that MIC keeps have no long messages. */
function createNotingTrims(): { readonly trims: Trims; readonly conditions: Conditions } {
  const trims = createTrims();
  const conditions: Conditions = new WeakMap();
  const identity: Trims['identity'] = (raw, tooLarge) => {
    const view = trims.identity(raw, tooLarge);
    const ready = view && readyOf(raw);
    if (ready) conditions.set(view, ready);
    return view;
  };
  return { trims: { ...trims, identity }, conditions };
}

function watchRecords(
  tools: Pick<Following, 'clock' | 'log'> & {
    readonly transport: KubeTransport;
    readonly random: () => number;
  },
  trims: Trims,
): {
  readonly records: Records;
  readonly informer: Informer<AssignedView>;
  /** The pods of changed records. */
  readonly changed: Set<string>;
} {
  const records = new Records();
  const changed = new Set<string>();
  const kind = 'AzureAssignedIdentity';
  const informer = createInformer<AssignedView>({
    ...tools,
    kind: resources[kind],
    fields: fieldLimits[kind],
    trim: (raw) => trims.assigned(raw, tooLargeProblems(tooLargeIn(raw))),
  });
  informer.onChange((change) => {
    const after = 'after' in change ? change.after : undefined;
    const before = records.set(change.key, after);
    for (const view of [before, after]) if (view) changed.add(`${view.podNamespace}/${view.podName}`);
  });
  return { records, informer, changed };
}

function reported<V extends object>(
  keys: Iterable<string>,
  find: (key: string) => V | undefined,
  conditions: Conditions,
): readonly { readonly view: V; readonly ready: ReadyCondition | undefined }[] {
  return Array.from(keys, find).flatMap((view) =>
    view === undefined ? [] : [{ view, ready: conditions.get(view) }],
  );
}

/** Pods that MIC would plan again. */
function takeChanges(index: ClusterIndex): readonly string[] {
  index.takeConcerned();
  return [...index.dirtyHosts()].flatMap((host) => [...index.takeDirty(host)]);
}
