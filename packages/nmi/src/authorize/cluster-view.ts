import {
  absentOrLeftOut,
  assignedIdentityNamespace,
  matchPod,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  fieldLimits,
  resources,
  tellProblems,
  type AzureIdentity,
  type AzureIdentityBinding,
  type Kind,
  type Parsed,
} from '@pod-identity/crd-types';
import {
  createInformer,
  type Informer,
  type InformerOptions,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { PodView } from '../identify/pod-view.ts';
import { bindingsReachingOut, foundIn, selectorIndexes } from './bindings-of-selector.ts';
import { objectsOf } from './candidates.ts';
import { createNamespaceInformer, type NamespaceInformer } from './namespaces.ts';
import { createRecordInformer, type CommonOptions } from './node-records.ts';
import { readException } from './read-exception.ts';
import { nameOf, readWhole } from './read-whole.ts';
import type { ClusterView, FoundException, MatchedObjects, NodeRecord, OperationMode } from './types.ts';

export interface ClusterInformerOptions {
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
  /** Limit for the objects of one kind in one namespace; default: none. */
  readonly namespaceShareBytes?: number;
  /** Called for each binding and exception that is not valid, and so is for no pod. */
  readonly onInvalid?: (invalid: InvalidObject) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface InvalidObject {
  readonly kind: 'AzureIdentityBinding' | 'AzurePodIdentityException';
  readonly namespace: string;
  readonly name: string;
  /** What is wrong with it. */
  readonly fault: string;
}

export interface ClusterInformers {
  readonly view: ClusterView;
  readonly informers: readonly Informer<unknown>[];
  /** A pod waits for a record of this AzureIdentity (`namespace/name`): lists again if the record may have been left out. */
  readonly lookForRecord: (identity: string) => void;
}

/** An AzureIdentity, or what is wrong with it. */
type FoundIdentity =
  | { readonly namespace: string; readonly name: string; readonly value: AzureIdentity }
  | { readonly namespace: string; readonly name: string; readonly fault: string };

/** Watches the custom resources that decisions need. */
export function createClusterInformers(options: ClusterInformerOptions): ClusterInformers {
  const { transport, clock, random, log } = options;
  const common = { transport, clock, random, log, pageSize, isPerNode: true, ...shareOf(options) };
  const of = (kind: Kind) => ({ ...common, kind: resources[kind], fields: fieldLimits[kind] });
  const identities = createInformer<FoundIdentity>({ ...of('AzureIdentity'), ...identityOptions });
  const bindings = createInformer<AzureIdentityBinding>({
    ...of('AzureIdentityBinding'),
    trim: wholeOf('AzureIdentityBinding', parseAzureIdentityBinding, options),
    indexes: selectorIndexes,
  });
  const exceptions = createInformer<FoundException>({
    ...of('AzurePodIdentityException'),
    ...exceptionOptions(options),
  });
  const namespaces = createNamespaceInformer({ transport, clock, random, log, pageSize });
  const matched = matchedObjects({ identities, bindings, namespaces });
  const ready = Promise.all([options.pods?.synced, identities.synced, bindings.synced]);
  const records = recordsOf(options, common, { ...matched, ready });
  const informers = [identities, bindings, exceptions, namespaces, ...(records ? [records] : [])];
  const stores = informers.map(({ store }) => store);

  return {
    informers,
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

const identityOptions: Pick<InformerOptions<FoundIdentity>, 'trim' | 'indexes'> = {
  trim: readIdentity,
  indexes: {
    reaching: (found) =>
      'value' in found && found.value.spec.allowedNamespaces !== undefined ? [found.namespace] : [],
  },
};

function exceptionOptions({
  onInvalid,
}: Pick<ClusterInformerOptions, 'onInvalid'>): Pick<InformerOptions<FoundException>, 'trim' | 'indexes'> {
  return {
    trim: (object) => {
      const found = readException(object);
      if (found && 'fault' in found) onInvalid?.({ kind: 'AzurePodIdentityException', ...found });
      return found;
    },
    indexes: {
      valid: (found) => ('value' in found ? [found.namespace] : []),
      invalid: (found) => ('fault' in found ? [found.namespace] : []),
    },
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
/** For all namespaces together: a third of the heap in the manifest. */
const totalBytes = 10 * 1024 * 1024;

function shareOf({ namespaceShareBytes }: ClusterInformerOptions): Pick<InformerOptions<unknown>, 'share'> {
  return namespaceShareBytes === undefined
    ? {}
    : { share: { namespaceBytes: namespaceShareBytes, totalBytes } };
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

/** Trims to the object, if it is valid and was read completely. */
function wholeOf<T>(
  kind: InvalidObject['kind'],
  parse: (object: unknown) => Parsed<T>,
  { onInvalid }: Pick<ClusterInformerOptions, 'onInvalid'>,
): (object: unknown) => T | undefined {
  return (object) => {
    const read = readWhole(object, parse);
    if ('value' in read) return read.value;
    const named = nameOf(object);
    if (onInvalid && named) onInvalid({ kind, ...named, fault: tellProblems(read.problems).join('; ') });
    return undefined;
  };
}

function readIdentity(object: unknown): FoundIdentity | undefined {
  const named = nameOf(object);
  if (!named) return undefined;
  const read = readWhole(object, parseAzureIdentity);
  return 'value' in read
    ? { ...named, ...read }
    : { ...named, fault: tellProblems(read.problems).join('; ') };
}
