// Room: what is known: views of objects, the index over them, facts about hosts.
// It must not decide what should be done, or write to the API server or to Azure.
//
// The whole world that a plan is made from, as one value. Filling an index with it is the only thing done to it.
import type { ResourceId } from '@pod-identity/crd-types';
import type { AssignedView, NodeView, PodView, BindingView, IdentityView } from './views.ts';
import { ClusterIndex } from './index/cluster-index.ts';
import { keyOf } from './keys.ts';
import type { HostFacts } from './facts/facts.ts';

export interface ClusterSnapshot {
  readonly pods: readonly PodView[];
  readonly nodes: readonly NodeView[];
  readonly identities: readonly IdentityView[];
  readonly bindings: readonly BindingView[];
  readonly assigned: readonly AssignedView[];
  readonly facts: ReadonlyMap<ResourceId, HostFacts>;
  /** Milliseconds since the epoch: time is data. */
  readonly now: number;
}

/** What is asked about most comes first, so that little is counted twice. */
export function indexOf(
  snapshot: ClusterSnapshot,
  rules: { readonly forceNamespaced: boolean },
): ClusterIndex {
  const index = new ClusterIndex(rules);
  for (const view of snapshot.nodes) index.apply({ kind: 'node', key: view.name, view });
  for (const view of snapshot.identities) index.apply({ kind: 'identity', key: view.key, view });
  for (const view of snapshot.bindings) index.apply({ kind: 'binding', key: view.key, view });
  for (const view of snapshot.pods) index.apply({ kind: 'pod', key: keyOf(view), view });
  for (const view of snapshot.assigned) {
    index.apply({ kind: 'assigned', key: keyOf(view), view });
  }
  return index;
}
