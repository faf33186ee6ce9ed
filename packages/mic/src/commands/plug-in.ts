// What the kubectl plug-in uses of MIC: its configuration, its view of a cluster and its explanations.
export { readOriginalWarning } from '../compat/connect-original.ts';
export {
  deniedAction,
  missingRole,
  needOfHost,
  needOfIdentity,
  type Permission,
  type RoleNeed,
} from '../azure/roles/missing-roles.ts';
export { readMicConfig, type MicConfig } from '../config/config.ts';
export { micFlags } from '../config/flags.ts';
export { decidePod } from '../plan/desired.ts';
export { Records } from '../plan/records.ts';
export { ClusterIndex } from '../snapshot/index/cluster-index.ts';
export { namespaceOf } from '../snapshot/keys.ts';
export { instantOf } from '../snapshot/raw-object.ts';
export { createTrims, type Trims } from '../snapshot/trims.ts';
export type { AssignedView, BindingView, IdentityView, NodeView, PodView } from '../snapshot/views.ts';
export { createClusterWatch } from '../snapshot/watch/cluster-watch.ts';
export { identitiesInUse, livePods, type Using } from '../tell/access-uses.ts';
export { bindingCondition } from '../tell/conditions.ts';
export { explainPod, recordFinding, type Explanation } from '../tell/explain-pod.ts';
export { clientIdRemedy, remedyFor } from '../tell/remedy.ts';
export { listProblems } from '../tell/spec-texts.ts';
export { machinesInUse } from './machines-in-use.ts';
export { explainPods, readRecords } from './explain.ts';
export { accessOnce } from './look.ts';
export { listClusterRoles, type ClusterRoles } from './rbac.ts';
export { reviewTarget } from './review-rights.ts';
