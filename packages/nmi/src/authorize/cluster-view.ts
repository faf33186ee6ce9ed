import type { NamespaceView } from '@pod-identity/crd-types';
import type { Informer, KubeAmbient } from '@pod-identity/kit/kube';
import { bindingsReachingOut, foundIn, selectsUnlabelled } from './bindings-of-selector.ts';
import {
  createGrantingInformers,
  type GrantingInformers,
  type GrantingOptions,
} from './granting-informers.ts';
import { createNamespaceInformer } from './namespaces.ts';
import { createNodeNamespaces, type NodeNamespaces, type NodePods } from './node-namespaces.ts';
import type { AuthorizeRules, ClusterView, FoundException, MatchedObjects } from './types.ts';

export interface ClusterInformerOptions extends KubeAmbient, Pick<GrantingOptions, 'namespaceShareBytes'> {
  /** Keeps only what these pods can use; default: the objects of all namespaces. */
  readonly onlyFor?: NodePods | undefined;
}

export interface ClusterInformers {
  readonly view: ClusterView;
  readonly informers: readonly Informer<unknown>[];
  readonly nodeNamespaces: NodeNamespaces;
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
  const ofPods = [identities, bindings, exceptions].map((one) => runningAfter(onlyFor?.synced, one));
  const informers = [...ofPods, namespaces];
  const stores = informers.map(({ store }) => store);

  return {
    informers,
    nodeNamespaces: onlyFor
      ? createNodeNamespaces({ pods: onlyFor, namespaces, informers: ofPods, clock })
      : { whenRead: () => true },
    view: {
      get revision() {
        return stores.reduce((sum, { revision }) => sum + revision, 0);
      },
      ...matchedObjects(granting, namespaces),
      faultOf: (namespace, name) => {
        const found = identities.store.get(`${namespace}/${name}`);
        return found && 'fault' in found ? found.fault : undefined;
      },
      selectsUnlabelled: (namespace) => selectsUnlabelled(bindings.store, namespace),
      ...exceptionsOf(exceptions),
    },
  };
}

function matchedObjects(
  { identities, bindings }: GrantingInformers,
  namespaces: Informer<NamespaceView>,
): MatchedObjects {
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
    namespaceOf: (name) => namespaces.store.get(name),
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
