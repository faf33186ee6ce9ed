// The few Kubernetes object shapes that the custom resources rely on.
// Types only: nothing here may hold a rule or a value.

/** Who owns an object: the garbage collector deletes the object after its last owner. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** The part of Kubernetes' ObjectMeta that is read here. What is not listed (managedFields, ...) is left out by the parsers. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  /** Raised by the API server at each change of the spec. */
  generation?: number;
  /** RFC 3339, as is `deletionTimestamp`. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  ownerReferences?: readonly OwnerReference[];
  finalizers?: readonly string[];
}

/** One line of an object's `status.conditions`, in the shape all Kubernetes tools know. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** One word for programs, such as `Attached`. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** RFC 3339. */
  lastTransitionTime: string;
  /** The `metadata.generation` that was judged. */
  observedGeneration?: number;
}
