import { namespaced, ofCluster } from '../core/cluster-kinds.ts';

/** `group` is empty for the core group. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface ObjectKey {
  readonly name: string;
  readonly namespace?: string;
}

export const coreKinds = {
  pods: namespaced('', 'Pod', 'pods'),
  nodes: ofCluster('', 'Node', 'nodes'),
  secrets: namespaced('', 'Secret', 'secrets'),
  configMaps: namespaced('', 'ConfigMap', 'configmaps'),
  events: namespaced('', 'Event', 'events'),
  namespaces: ofCluster('', 'Namespace', 'namespaces'),
  leases: namespaced('coordination.k8s.io', 'Lease', 'leases'),
} as const satisfies Record<string, ResourceKind>;
