// Room: the watches of MIC: informers that feed the index.
// It must not write to the API server.
//
// The watches of MIC: informers update one index, change by change. It only reads.
import { bindingLabel, resources, type Kind } from '@pod-identity/crd-types';
import {
  coreKinds,
  createInformer,
  type Informer,
  type InformerOptions,
  type KubeError,
  type ResourceKind,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { NodeView, PodView, TaintedNode } from '../views.ts';
import type { ClusterIndex } from '../index/cluster-index.ts';
import { watchNamespaces } from './namespace-source.ts';
import { after, PodSource } from './pod-source.ts';
import type { WholeLimits } from './whole-namespaces.ts';
import { createTrims, type Trims } from '../trims.ts';

export interface ClusterWatchOptions extends KubeAmbient {
  /** See `--namespace-share`; default: no limit. */
  readonly namespaceShareBytes?: number | undefined;
  readonly index: ClusterIndex;
  /** Key of the taint that makes a node `tainted`; default: none. */
  readonly startupTaint?: string | undefined;
  /** See `PodSource`. */
  readonly startMs?: number | undefined;
  /** Default: those of `WholeNamespaces`. */
  readonly limits?: WholeLimits;
  /** Default: `createTrims` with the taint. */
  readonly trims?: Trims;
  /** Called for each failure to list a kind that was never listed; not for Namespaces, which are optional. */
  readonly onUnlisted?: (kind: ResourceKind, problem: KubeError) => void;
}

export type ClusterWatch = ReturnType<typeof createClusterWatch>;

export function createClusterWatch(options: ClusterWatchOptions) {
  const { trims, ...informersOf } = createInformers(options);
  const { pods, nodes, namespaces, identities, bindings } = informersOf;
  const bindingOf = (key: string) => bindings.store.get(key);
  const source = new PodSource({ ...options, trims, labelled: pods, bindingOf });
  feed(informersOf, source, options);
  const all = {
    pods,
    nodes,
    namespaces,
    azureidentities: identities,
    azureidentitybindings: bindings,
  };
  const informers = Object.values(all);
  let isSettled = false;
  const ready = syncedAll([pods, namespaces, identities, bindings]).then(() => source.settled());
  const synced = Promise.all([ready, nodes.synced]).then(() => (isSettled = true));
  return {
    /** Lists and watches until the signal aborts. */
    run: async (signal: AbortSignal) => {
      await Promise.all([source, ...informers].map((watched) => watched.run(signal)));
    },
    /**
     * Resolves when all lists are complete, except those of namespaces that took too long: see `PodSource.settled`. Decisions must
     * wait for it: objects not listed yet look deleted.
     */
    synced: synced.then((): void => undefined),
    hasSynced: () => isSettled && informers.every((informer) => informer.hasSynced()),
    /** Called after each change of the index. Returns a function that removes the listener. */
    onChange(listener: () => void): () => void {
      const others = informers.filter((informer) => informer !== pods);
      const ends = [source, ...others].map((watched) => watched.onChange(() => listener()));
      return () => ends.forEach((end) => end());
    },
    onPod: (listener: (key: string, pod: PodView | undefined) => void) => source.onPod(listener),
    onNode: (listener: (name: string) => void) => nodes.onChange(({ key }) => listener(key)),
    taintedNode: (name: string): TaintedNode | undefined => nodes.store.get(name)?.tainted,
    taintedNodes: () =>
      nodes.store.by('tainted', 'yes').flatMap(({ tainted }) => (tainted === undefined ? [] : [tainted])),
    /** By plural of AzureIdentities and bindings: the number of namespaces of which only the oldest count. */
    fullNamespaces: () => new Map([identities, bindings].map((one) => [one.plural, one.fullNamespaces()])),
    /** Namespaces with bindings that need all their pods. */
    coverage: () => source.coverage(),
    /** Number of their pods whose labels there is no room for. */
    labelsLeftOut: () => source.labelsLeftOut(),
    /** By plural of each watch: milliseconds since the API server last sent anything. */
    ages: () => agesOf({ ...all, pods: source }),
  };
}

async function syncedAll(informers: readonly { readonly synced: Promise<void> }[]): Promise<void> {
  await Promise.all(informers.map(({ synced }) => synced));
}

function agesOf(watched: Readonly<Record<string, { lastHeardMs(): number }>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(watched).map(([plural, one]) => [plural, one.lastHeardMs()]));
}

/** Registered before all other listeners, so that these find the index up to date. */
function feed(informers: Informers, source: PodSource, { index }: ClusterWatchOptions): void {
  const { nodes, identities, bindings } = informers;
  nodes.onChange((change) => index.apply({ kind: 'node', key: change.key, view: after(change) }));
  identities.onChange((change) => index.apply({ kind: 'identity', key: change.key, view: after(change) }));
  bindings.onChange((change) => source.bindingChanged(change.key, after(change)));
}

type Informers = Omit<ReturnType<typeof createInformers>, 'trims'>;

/** Small, since the API server builds a whole page in memory, of objects of up to 1.5 MB. */
const pageSize = 100;
type How<V> = Pick<InformerOptions<V>, 'trim' | 'labelSelector' | 'indexes' | 'namespaceBytes' | 'pageSize'>;

function createWatch<V>(options: ClusterWatchOptions, kind: ResourceKind, how: How<V>): Informer<V> {
  const { transport, clock, random, onUnlisted } = options;
  const log = options.log.child({ watch: kind.plural });
  const onProblem = (problem: KubeError) => {
    if (!informer.hasSynced()) onUnlisted?.(kind, problem);
  };
  const informer = createInformer<V>({ transport, kind, clock, random, log, onProblem, ...how });
  return informer;
}

function createInformers(options: ClusterWatchOptions) {
  const { startupTaint, namespaceShareBytes } = options;
  const { trims = createTrims({ startupTaint }) } = options;
  const watch = <V>(kind: ResourceKind, how: How<V>) => createWatch(options, kind, how);
  const custom = <V>(kind: Kind, trim: (raw: unknown) => V | undefined) =>
    watch<V>(resources[kind], { pageSize, namespaceBytes: namespaceShareBytes, trim });
  return {
    trims,
    // Selected on the API server, so that pods without the label are not sent.
    pods: watch(coreKinds.pods, {
      labelSelector: bindingLabel,
      trim: (raw) => trims.pod(raw),
    }),
    nodes: watch(coreKinds.nodes, {
      trim: (raw) => trims.node(raw),
      indexes: { tainted: ({ tainted }: NodeView) => (tainted === undefined ? [] : ['yes']) },
    }),
    namespaces: watchNamespaces(options),
    identities: custom('AzureIdentity', (raw) => trims.identity(raw)),
    bindings: custom('AzureIdentityBinding', (raw) => trims.binding(raw)),
  };
}
