// The complete input of a plan as one value, for tests and benchmarks; MIC changes its index object by object.
import type { ResourceId } from '@pod-identity/crd-types';
import type { AssignedView, NodeView, PodView, BindingView, IdentityView } from '../views.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { keyOf } from '../keys.ts';
import type { HostFacts } from '../facts/facts.ts';

export interface ClusterSnapshot {
  readonly pods: readonly PodView[];
  readonly nodes: readonly NodeView[];
  readonly identities: readonly IdentityView[];
  readonly bindings: readonly BindingView[];
  readonly assigned: readonly AssignedView[];
  readonly facts: ReadonlyMap<ResourceId, HostFacts>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function indexOf(
  snapshot: ClusterSnapshot,
  rules: { readonly forceNamespaced: boolean },
): ClusterIndex {
  const index = new ClusterIndex(rules);
  for (const view of snapshot.nodes) index.apply({ kind: 'node', key: view.name, view });
  for (const view of snapshot.identities) index.apply({ kind: 'identity', key: view.key, view });
  for (const view of snapshot.bindings) index.apply({ kind: 'binding', key: view.key, view });
  for (const view of snapshot.pods) index.apply({ kind: 'pod', key: keyOf(view), view });
  return index.settle();
}
