import {
  absentOrLeftOut,
  assignedIdentityNamespace,
  matchPod,
  type AzureIdentity,
  type AzureIdentityBinding,
} from '@pod-identity/crd-types';
import type { Informer, KubeTransport } from '@pod-identity/kit/kube';
import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { PodView } from '../identify/pod-view.ts';
import { bindingsReachingOut, foundIn } from './bindings-of-selector.ts';
import { objectsOf } from './candidates.ts';
import {
  createGrantingInformers,
  shareOf,
  type FoundIdentity,
  type GrantingOptions,
} from './granting-informers.ts';
import { createNamespaceInformer, type NamespaceInformer } from './namespaces.ts';
import { createNodeNamespaces, type NodeNamespaces, type NodePods } from './node-namespaces.ts';
import { createRecordInformer, type CommonOptions } from './node-records.ts';
import type {
  AuthorizeRules,
  ClusterView,
  FoundException,
  MatchedObjects,
  NodeRecord,
  OperationMode,
} from './types.ts';

export interface ClusterInformerOptions extends Pick<GrantingOptions, 'namespaceShareBytes' | 'onInvalid'> {
  readonly transport: KubeTransport;
  readonly node: string;
  readonly mode: OperationMode;
  /** Select records by the label of this node on the API server. The original can write records without the label. */
  readonly byNodeLabel: boolean;
  readonly forceNamespaced: boolean;
  /** The pods of this node. If there are too many records, those of other pods are left out first. */
  readonly pods?: {
    readonly named: (namespace: string, name: string) => PodView | undefined;
    readonly synced: Promise<unknown>;
  };
  /** Keeps only what these pods can use; default: the objects of all namespaces. */
  readonly onlyFor?: NodePods | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface ClusterInformers {
  readonly view: ClusterView;
  readonly informers: readonly Informer<unknown>[];
  readonly nodeNamespaces: NodeNamespaces;
  /** A pod waits for a record of this AzureIdentity (`namespace/name`): lists again if the record may have been left out. */
  readonly lookForRecord: (identity: string) => void;
}

/**
 * Whether objects of any namespace may be for a pod of this node. In mode `rbac`, and with `--forceNamespaced`, those of other namespaces
 * count only if a label of the pod's own Namespace accepts them.
 */
export function keepsAll({
  forceNamespaced,
  identityAccess,
}: Pick<AuthorizeRules, 'forceNamespaced' | 'identityAccess'>): boolean {
  return !forceNamespaced && identityAccess !== 'rbac';
}

/** Watches the custom resources that decisions need. */
export function createClusterInformers(options: ClusterInformerOptions): ClusterInformers {
  const { transport, clock, random, log, onlyFor } = options;
  const common = { transport, clock, random, log, pageSize, isPerNode: true };
  const onlyWanted = onlyFor !== undefined;
  const granting = createGrantingInformers({ ...options, common: { ...common, onlyWanted } });
  const { identities, bindings, exceptions } = granting;
  const namespaces = createNamespaceInformer({ transport, clock, random, log, pageSize });
  const matched = matchedObjects({ identities, bindings, namespaces });
  const ready = Promise.all([options.pods?.synced, identities.synced, bindings.synced]);
  const share = shareOf('AzureAssignedIdentity', options);
  const records = recordsOf(options, { ...common, ...share }, { ...matched, ready });
  const ofPods = [identities, bindings, exceptions].map((one) => runningAfter(onlyFor?.synced, one));
  const informers = [...ofPods, namespaces, ...(records ? [records] : [])];
  const stores = informers.map(({ store }) => store);

  return {
    informers,
    nodeNamespaces: onlyFor
      ? createNodeNamespaces({ pods: onlyFor, namespaces, informers: ofPods, clock })
      : { whenRead: () => true },
    lookForRecord: (name) => lookForRecord(records, matched.identityOf(...partsOf(name)), options),
    view: {
      get revision() {
        return stores.reduce((sum, { revision }) => sum + revision, namespaces.labelsRevision());
      },
      ...matched,
      faultOf: (namespace, name) => {
        const found = identities.store.get(`${namespace}/${name}`);
        if (found === undefined) return identities.leavesOut(namespace) ? absentOrLeftOut : undefined;
        return 'fault' in found ? found.fault : undefined;
      },
      selectsUnlabelled: (namespace) => bindings.store.by('unlabelled', namespace).length > 0,
      leavesOutBindings: (namespace) => bindings.leavesOut(namespace),
      leavesOutRecords: (namespace) => records?.leavesOut(namespace) ?? false,
      assignedOnNode: (resource) => records?.store.by('resource', resource) ?? [],
      ...exceptionsOf(exceptions),
    },
  };
}

interface MatchedInformers {
  readonly identities: Informer<FoundIdentity>;
  readonly bindings: Informer<AzureIdentityBinding>;
  readonly namespaces: Pick<NamespaceInformer, 'viewOf'>;
}

function matchedObjects({ identities, bindings, namespaces }: MatchedInformers): MatchedObjects {
  return {
    ...foundIn(bindings.store),
    bindingsReachingOut: (label) =>
      bindingsReachingOut(
        bindings.store,
        label,
        (namespace) => identities.store.by('reaching', namespace).length > 0,
      ),
    identityOf(namespace, name) {
      const found = identities.store.get(`${namespace}/${name}`);
      return found && 'value' in found ? found.value : undefined;
    },
    namespaceOf: (name) => namespaces.viewOf(name),
  };
}

function exceptionsOf({
  store,
}: Informer<FoundException>): Pick<ClusterView, 'exceptionsIn' | 'invalidExceptionsIn'> {
  return {
    exceptionsIn: (namespace) =>
      store.by('valid', namespace).flatMap((found) => ('value' in found ? [found.value] : [])),
    invalidExceptionsIn: (namespace) =>
      store.by('invalid', namespace).flatMap((found) => ('fault' in found ? [found] : [])),
  };
}

/** Small, since the API server builds a whole page in memory, of objects of up to 1.5 MB. */
const pageSize = 100;
/** With the namespaces of the node's pods known, the first list contains their objects. */
function runningAfter(first: Promise<unknown> | undefined, informer: Informer<unknown>): Informer<unknown> {
  return {
    ...informer,
    async run(signal) {
      await first;
      await informer.run(signal);
    },
  };
}

/** In managed mode there are no records. */
function recordsOf(
  options: ClusterInformerOptions,
  common: CommonOptions,
  known: MatchedObjects & { readonly ready: Promise<unknown> },
): Informer<NodeRecord> | undefined {
  const { mode, pods } = options;
  if (mode !== 'standard') return undefined;
  return createRecordInformer({
    ...options,
    common,
    ...known,
    podNamed: (namespace, name) => pods?.named(namespace, name),
    // A match by the rules of any mode counts, whatever the mode of the pod's namespace is.
    mayActAs: (pod, identity) =>
      [options, { ...options, byAllowedNamespaces: true }].some((rules) =>
        matchPod({ ...objectsOf(known, pod), pod, rules }).matches.some(
          (match) => match.identity === identity,
        ),
      ),
  });
}

function lookForRecord(
  records: Informer<NodeRecord> | undefined,
  identity: AzureIdentity | undefined,
  rules: Pick<ClusterInformerOptions, 'forceNamespaced'>,
): void {
  if (identity && records?.leavesOut(assignedIdentityNamespace(identity, rules)) === true)
    records.askForList();
}

function partsOf(key: string): [namespace: string, name: string] {
  const end = key.indexOf('/');
  return [key.slice(0, end), key.slice(end + 1)];
}
