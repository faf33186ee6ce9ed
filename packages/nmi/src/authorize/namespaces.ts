import { readNamespaceView, type NamespaceView } from '@pod-identity/crd-types';
import {
  coreKinds,
  createOptionalInformer,
  type Change,
  type Informer,
  type KubeAmbient,
} from '@pod-identity/kit/kube';

export interface NamespaceInformerOptions extends KubeAmbient {
  readonly pageSize: number;
}

/**
 * Watches Namespaces. The original's roles do not allow that, so NMI works without it: then annotations and labels of Namespaces have no
 * effect. If the right is removed later, the last known state stays.
 */
export function createNamespaceInformer(options: NamespaceInformerOptions): Informer<NamespaceView> {
  const { log, ...rest } = options;
  const informer = createOptionalInformer<NamespaceView>(
    {
      ...rest,
      kind: coreKinds.namespaces,
      isPerNode: true,
      trim: readNamespaceView,
    },
    () => log.warn({}, refused),
  );
  informer.onChange((change) => {
    const problem = newProblemOf(change);
    if (problem !== undefined) log.warn({ namespace: change.key }, problem);
  });
  return informer;
}

function newProblemOf(change: Change<NamespaceView>): string | undefined {
  const before = change.type === 'updated' ? change.before.problem : undefined;
  const after = change.type === 'deleted' ? undefined : change.after.problem;
  return after === before ? undefined : after;
}

const refused =
  'the API server refuses to list Namespaces, so their annotations and labels do not count: allow list and watch of namespaces to the ' +
  'service account of NMI (deploy/base/nmi/rbac.yaml); asked again every five minutes at least';
