import { namespaceFields, readNamespaceView, type NamespaceView } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import {
  coreKinds,
  createOptionalInformer,
  tooLargeIn,
  type Informer,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';

export interface NamespaceInformerOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly pageSize: number;
}

/**
 * Watches Namespaces. The original's roles do not allow that, so NMI works without it: then annotations and labels of Namespaces have no
 * effect. If the right is removed later, the last known state stays.
 */
export function createNamespaceInformer(options: NamespaceInformerOptions): Informer<NamespaceView> {
  const { transport, clock, random, log, pageSize } = options;
  const informer = createOptionalInformer<NamespaceView>(
    {
      transport,
      clock,
      random,
      pageSize,
      kind: coreKinds.namespaces,
      fields: namespaceFields,
      isPerNode: true,
      trim: (object) => readNamespaceView(object, tooLargeIn(object)),
    },
    () => log.warn({}, refused),
  );
  informer.onChange((change) => {
    const problem = change.type === 'deleted' ? undefined : change.after.problem;
    const before = change.type === 'updated' ? change.before.problem : undefined;
    if (problem !== undefined && problem !== before) log.warn({ namespace: change.key }, problem);
  });

  return informer;
}

const refused =
  'the API server refuses to list Namespaces, so their annotations and labels do not count: allow list and watch of namespaces to the ' +
  'service account of NMI (deploy/base/nmi/rbac.yaml); asked again every five minutes at least';
