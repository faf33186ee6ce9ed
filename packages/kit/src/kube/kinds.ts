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

const core = (kind: string, plural: string, namespaced = true): ResourceKind => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
});

export const coreKinds = {
  pods: core('Pod', 'pods'),
  nodes: core('Node', 'nodes', false),
  secrets: core('Secret', 'secrets'),
  configMaps: core('ConfigMap', 'configmaps'),
  events: core('Event', 'events'),
  namespaces: core('Namespace', 'namespaces', false),
  leases: { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true },
} as const satisfies Record<string, ResourceKind>;
