// Reads the cluster as MIC watches it, as far as the user may read it: once, or on and on.
import { resources } from '@pod-identity/crd-types';
import { aborted, type Clock } from '@pod-identity/kit/core';
import {
  createInformer,
  KubeError,
  type Informer,
  type InformerOptions,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import {
  ClusterIndex,
  createClusterWatch,
  createTrims,
  Records,
  type accessOnce,
  type AssignedView,
  type Trims,
} from '../../../mic/src/commands/plug-in.ts';
import { emptyAbsentKinds } from './absent-kinds.ts';
import { needs as needsOf, readWithinRights, recordPlural, type Needs } from './within-rights.ts';
import { readyOf, assumedNodes, type ReadyCondition, type ClusterView } from './cluster-view.ts';

export interface FollowedCluster {
  /** Reads no more than the user may, and of absent kinds nothing. */
  readonly transport: KubeTransport;
  /** Resolves when all that may be read is read. */
  readonly synced: Promise<unknown>;
  /** Rejects when a list without which nothing can be said is refused. */
  readonly refused: Promise<never>;
  /** Settles a pod of the index that a change of another object concerns. Returns whether there was one. */
  settle(): boolean;
  /** As it is now, and the keys of the pods of which something else than their own object has changed since the last call. */
  current(): { readonly cluster: ClusterView; readonly changed: ReadonlySet<string> };
  /** Calls the listener after each change. */
  onChange(listener: () => void): void;
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface FollowOptions {
  readonly kube: KubeTransport;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  readonly forceNamespaced: boolean;
  /** Default: rights are not looked at. */
  readonly access?: ReturnType<typeof accessOnce>;
  /** Default: those of `status`. */
  readonly needs?: Needs;
  /** How long pods of namespaces with bindings by podSelector or serviceAccountName are waited for; default: 5 s. */
  readonly startMs?: number;
  /** Called for each list that fails before the first one of its kind. */
  readonly onUnlisted?: (problem: KubeError) => void;
}

const needed = [resources.AzureIdentity.plural, resources.AzureIdentityBinding.plural, 'pods'];
const defaultStartMs = 5_000;

/** Throws KubeError if a list that cannot be done without is refused, or fails until the signal aborts: others are read again. */
export async function readClusterView({
  signal,
  ...reading
}: Omit<FollowOptions, 'startMs' | 'onUnlisted'> & { readonly signal: AbortSignal }): Promise<
  Pick<FollowedCluster, 'transport'> & { readonly cluster: ClusterView }
> {
  let problem = new KubeError('unavailable', 'not all objects could be read');
  const onUnlisted = (latest: KubeError) => {
    problem = latest;
  };
  const live = followCluster({ ...reading, startMs: Infinity, onUnlisted });
  const once = new AbortController();
  const running = live.run(AbortSignal.any([signal, once.signal]));
  try {
    await Promise.race([live.synced, aborted(signal), live.refused]);
  } finally {
    once.abort();
  }
  await running;
  if (signal.aborted) throw problem;
  while (live.settle());
  return { cluster: live.current().cluster, transport: live.transport };
}

export function followCluster(options: FollowOptions): FollowedCluster {
  const { namespace } = options;
  const { reads, absent, index, watch, pods, nodes, conditions, ...recording } = open(options);
  const { records, informer, changed } = recording;
  const mayRead = (plural: string) => !reads.isUnread(plural);
  return {
    transport: absent.transport,
    refused: reads.refused,
    synced: Promise.all([watch.synced, informer.synced]),
    onChange(listener) {
      watch.onChange(listener);
      informer.onChange(listener);
    },
    run: async (signal) => {
      await Promise.all([watch.run(signal), informer.run(signal)]);
    },
    settle: () => settleOne(index),
    current() {
      const shown = Array.from(pods, (key) => index.pod(key)).filter((pod) => pod !== undefined);
      if (!mayRead('nodes'))
        for (const view of assumedNodes(shown)) index.apply({ kind: 'node', key: view.name, view });
      const news = new Set([...takeChanges(index), ...changed]);
      changed.clear();
      const keys = index.objects.keys();
      const cluster = {
        index,
        records,
        pods: shown.filter((pod) => namespace === undefined || pod.namespace === namespace),
        identities: reported(keys.identities, (key) => index.objects.identity(key), conditions),
        bindings: reported(keys.bindings, (key) => index.objects.binding(key), conditions),
        nodes: mayRead('nodes') ? Array.from(nodes, (name) => ({ name })) : undefined,
        hasRecords: mayRead(recordPlural),
        hasObjects: needed.every(mayRead),
        unknown: [...reads.lacking(), ...absent.unknown()],
      };
      return { cluster, changed: news };
    },
  };
}

function open({ kube, clock, log, namespace, forceNamespaced, access, ...options }: FollowOptions) {
  const { needs = needsOf.status, startMs = defaultStartMs, onUnlisted = () => undefined } = options;
  // Without forceNamespaced MIC writes its records to one namespace for all.
  const only = needs.only?.filter((plural) => forceNamespaced || plural !== recordPlural) ?? [];
  const reads = readWithinRights(kube, { namespace, optional: needs.optional, only });
  const absent = emptyAbsentKinds(reads.transport, clock);
  const index = new ClusterIndex({ forceNamespaced }, access);
  const { trims, conditions } = createNotingTrims();
  const tools = { transport: absent.transport, clock, log, random: Math.random };
  const onProblem = (_: unknown, problem: KubeError) => onUnlisted(problem);
  const watch = createClusterWatch({ ...tools, index, startMs, trims, onUnlisted: onProblem });
  const [pods, nodes] = [new Set<string>(), new Set<string>()];
  watch.onPod((key, pod) => (pod === undefined ? pods.delete(key) : pods.add(key)));
  watch.onNode((name) => (index.nodeHost(name).exists ? nodes.add(name) : nodes.delete(name)));
  const recording = watchRecords({ ...tools, onProblem: onUnlisted }, trims);
  return { reads, absent, index, watch, pods, nodes, conditions, ...recording };
}

function settleOne(index: ClusterIndex): boolean {
  const hadStale = index.hasStale;
  let turns = 1;
  index.settleWhile(() => turns-- > 0);
  return hadStale;
}

type Conditions = WeakMap<object, ReadyCondition>;

/** The views that MIC keeps have no long messages. */
function createNotingTrims(): { readonly trims: Trims; readonly conditions: Conditions } {
  const trims = createTrims();
  const conditions: Conditions = new WeakMap();
  const identity: Trims['identity'] = (raw) => {
    const view = trims.identity(raw);
    const ready = view && readyOf(raw);
    if (ready) conditions.set(view, ready);
    return view;
  };
  return { trims: { ...trims, identity }, conditions };
}

function watchRecords(
  tools: Pick<InformerOptions<never>, 'transport' | 'clock' | 'log' | 'random'> & {
    readonly onProblem: (problem: KubeError) => void;
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
    trim: (raw) => trims.assigned(raw),
    // Who may list and not watch gets the list.
    onProblem: (problem) => {
      if (!informer.hasSynced()) tools.onProblem(problem);
    },
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
