// The Kubernetes types that the custom resources use. Types only, without rules and values.
/** An owner of an object: the garbage collector deletes the object after its last owner. */
export interface OwnerReference {
  /** Group and version of the owner, such as `apps/v1`; `v1` for a Pod. */
  apiVersion: string;
  /** Of the owner, such as `Pod`. */
  kind: string;
  /** Of the owner, which is in the object's namespace or in none. */
  name: string;
  /** Of the owner: another object of the same name does not count. */
  uid: string;
  /** True for the one owner that manages the object. */
  controller?: boolean;
  /** Whether a foreground deletion of the owner waits until this object is deleted. */
  blockOwnerDeletion?: boolean;
}

/** The fields of Kubernetes' ObjectMeta that are read here. The parsers leave out all others (managedFields, ...). */
export interface ObjectMeta {
  /** Unique among the objects of its kind in its namespace. Empty in a copy inside another object that lacks it. */
  name: string;
  /** Absent in files that leave it to `kubectl --namespace`; the API server always sets it. */
  namespace?: string;
  /** Given by the API server at creation, a UUID: a later object of the same name has another one. */
  uid?: string;
  /** Changed by the API server at each write. Opaque: compare it for equality alone. */
  resourceVersion?: string;
  /** Incremented by the API server at each change of the spec. */
  generation?: number;
  /** Raw JSON has a string in RFC 3339 instead; the parsers accept both and return a Date. */
  creationTimestamp?: Date;
  /** If set, the object is being deleted, and waits for its finalizers. */
  deletionTimestamp?: Date;
  /** Values by key, of at most 63 characters each; selectors compare them. */
  labels?: Readonly<Record<string, string>>;
  /** Values by key, at most 256 KiB in all; selectors cannot compare them. */
  annotations?: Readonly<Record<string, string>>;
  /** The garbage collector deletes the object after the last of these. Absent: it has no owner. */
  ownerReferences?: OwnerReference[];
  /** Names that controllers must remove before the API server deletes the object. */
  finalizers?: string[];
}

/** An entry of an object's `status.conditions`, in the standard shape of Kubernetes. */
export interface Condition {
  /** What is judged, in one word: MIC writes `Ready` alone. Unique in its list. */
  type: string;
  /** Whether it is so; `Unknown` while that is undecided. */
  status: 'True' | 'False' | 'Unknown';
  /** One word for programs, such as `Attached`. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** When `status` last changed. MIC writes it in RFC 3339; the parsers do not check the form. Empty if the object lacks it. */
  lastTransitionTime: string;
  /** The `metadata.generation` that was judged. */
  observedGeneration?: number;
}
