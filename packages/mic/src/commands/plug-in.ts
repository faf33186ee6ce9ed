// What the kubectl plug-in uses of MIC: its configuration, its view of a cluster and its explanations.
export { readMicConfig, type MicConfig } from '../config/config.ts';
export { Records } from '../plan/records.ts';
export { ClusterIndex } from '../snapshot/index/cluster-index.ts';
export { instantOf, memberOf, stringAt } from '../snapshot/raw-object.ts';
export { createTrims } from '../snapshot/trims.ts';
export type { AssignedView, BindingView, IdentityView, NodeView, PodView } from '../snapshot/views.ts';
export { nodeFields } from '../snapshot/watch/cluster-watch.ts';
export { podFields, podFieldsWithLabels } from '../snapshot/watch/pod-fields.ts';
export { mayListMore } from '../snapshot/watch/pod-source.ts';
export { bindingCondition } from '../tell/conditions.ts';
export { explainPod } from '../tell/explain-pod.ts';
export { listProblems } from '../tell/spec-texts.ts';
