// The Kubernetes types that the custom resources use. Types only, without rules and values.

/** An owner of an object: the garbage collector deletes the object after its last owner. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** The fields of Kubernetes' ObjectMeta that are read here. The parsers leave out all others (managedFields, ...). */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  /** Incremented by the API server at each change of the spec. */
  generation?: number;
  /** Raw JSON has a string in RFC 3339 instead; the parsers accept both and return a Date. */
  creationTimestamp?: Date;
  /** If set, the object is being deleted, and waits for its finalizers. */
  deletionTimestamp?: Date;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

/** The metadata of a list, as of Kubernetes' ListMeta. */
export interface ListMeta {
  /** The version of the whole list: a watch starts from it. */
  resourceVersion?: string;
  /** The token for the next page, if there is one. */
  continue?: string;
  remainingItemCount?: number;
}

/** An entry of an object's `status.conditions`, in the standard shape of Kubernetes. */
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
