// Room: the API server: one connection, typed calls, lists and watches into a store, the Lease, Events.
// It must not know custom resources, Azure or either service.
export {
  createAccessReviewer,
  subjectOf,
  type AccessReviewRequest,
  type AccessReviewer,
} from './access-review.ts';
export { connectKube, connectUser, type UserConnectOptions } from './connect.ts';
export { KubeError, type KubeErrorCode } from './errors.ts';
export { createEventRecorder, type EventDraft, type EventRecorder } from './events.ts';
export { noteResponses } from './response-times.ts';
export { fenceWrites } from './fence.ts';
export { createInformer, type Informer, type InformerOptions } from './informer.ts';
export { createOptionalInformer } from './optional-informer.ts';
export { coreKinds, type ObjectKey, type ResourceKind } from './kinds.ts';
export { listPages, listTrimmed } from './list.ts';
export { createElector, type LeaderTerm } from './lease.ts';
export { createNodeTaintDoor, removeTaint, type NodeTaintDoor, type Taint } from './node-taints.ts';
export { createResource, type CallOptions, type ListQuery, type ResourceClient } from './resource.ts';
export type { Change, Indexes, Store } from './store.ts';
export {
  createStrangerCheck,
  reviewStranger,
  type StrangerCheck,
  type StrangerResult,
} from './stranger-check.ts';
export { withOwnConnections, type KubeAmbient, type KubeRequest, type KubeTransport } from './transport.ts';
