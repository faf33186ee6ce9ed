// The cluster as MIC sees it, as far as the user may read it.
import type {
  BindingView,
  ClusterIndex,
  IdentityView,
  NodeView,
  PodView,
  Records,
} from '../../../mic/src/commands/plug-in.ts';
import { conditionOf, fieldAt, textAt } from './fields.ts';

export interface ClusterView {
  readonly index: ClusterIndex;
  readonly records: Records;
  /** Of the namespace, or of all of them. */
  readonly pods: readonly PodView[];
  /** Of all namespaces if the user may list them, since those of others may concern the pods. */
  readonly identities: readonly Reported<IdentityView>[];
  readonly bindings: readonly Reported<BindingView>[];
  /** Undefined if they may not be read. */
  readonly nodes: readonly Pick<NodeView, 'name'>[] | undefined;
  readonly hasRecords: boolean;
  /** Identities, bindings and pods of the namespace, or of all of them, were read. */
  readonly hasObjects: boolean;
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}

/** An object and what MIC said about it: views keep no long messages. */
export interface Reported<V> {
  readonly view: V;
  readonly ready: ReadyCondition | undefined;
}

export interface ReadyCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** The condition is about an earlier generation. */
  readonly isOutdated: boolean;
}

/** For a user who may not read nodes: pods are bound as on any machine of Azure. */
export function assumedNodes(pods: readonly PodView[]): readonly NodeView[] {
  const names = new Set(pods.map(({ nodeName }) => nodeName).filter((name) => name !== ''));
  return Array.from(names, (name) => ({ name, providerId: `${anyMachine}/${name}` }));
}

const anyMachine =
  'azure:///subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/unknown/providers/Microsoft.Compute/virtualMachines';

export function readyOf(raw: unknown): ReadyCondition | undefined {
  const ready = conditionOf(raw, 'Ready');
  if (ready === undefined) return undefined;
  const observed = fieldAt(ready, 'observedGeneration');
  return {
    status: textAt(ready, 'status'),
    reason: textAt(ready, 'reason'),
    message: textAt(ready, 'message'),
    isOutdated: observed !== undefined && observed !== fieldAt(raw, 'metadata.generation'),
  };
}
