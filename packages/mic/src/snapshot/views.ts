// Room: what is known: views of objects, the index over them, facts about hosts.
// It must not decide what should be done, or write to the API server or to Azure.
import type {
  AssignedState,
  AzureIdentity,
  AzureIdentityBinding,
  Condition,
  Labels,
  Problem,
  ResourceId,
} from '@pod-identity/crd-types';

/** The fields that decisions need, of a pod that a binding may select. */
export interface PodView {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty until the pod is scheduled. */
  readonly nodeName: string;
  /** Empty if there is none. */
  readonly bindingLabel: string;
  /** Whether the pod has no binding label. Such pods are kept only if bindings of their namespace can select them otherwise. */
  readonly isUnlabelled?: true;
  /** All labels, if bindings of the namespace need them and they are not too large. */
  readonly labels?: Labels;
  /** Set if `labels` are missing because there is no room for them. */
  readonly labelsLeftOut?: true;
  /** The name of its ServiceAccount; empty if it has none, so that it gets no identity. */
  readonly serviceAccount: string;
  /** Succeeded or Failed: it loses its identity. */
  readonly finished: boolean;
}

export interface NodeView {
  readonly name: string;
  readonly providerId: string;
  /** Set if the node has the start-up taint. */
  readonly tainted?: TaintedNode;
}

/** A node with the start-up taint, which repels pods until NMI on it is ready. */
export interface TaintedNode {
  readonly name: string;
  /** Of this Node object: a machine that registers again gets a new uid. */
  readonly uid: string;
  /** creationTimestamp in milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A pod of the DaemonSet of NMI, in the namespace of that DaemonSet. */
export interface AgentView {
  readonly name: string;
  readonly nodeName: string;
  /** creationTimestamp in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Since when it is ready, in milliseconds since the epoch; undefined if it is not. */
  readonly readyAt?: number;
  /** Succeeded, failed, or being deleted. */
  readonly ending: boolean;
}

/** An AzureAssignedIdentity, trimmed to the fields that decisions need. */
export interface AssignedView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** From the owner reference or annotation that this MIC writes; undefined on the original's objects. */
  readonly podUid?: string;
  readonly nodeName: string;
  /** `namespace/name` of the embedded identity and binding. */
  readonly identity: string;
  readonly binding: string;
  /** Fingerprint of what the embedded refs mean (spec, not metadata): equal fingerprints need no write. */
  readonly meaning: string;
  readonly resourceId?: ResourceId;
  readonly state: AssignedState;
  /** Whether its label does not name its node: an NMI that selects records by this label does not see it. */
  readonly isMislabelled?: true;
  /** Set by the original's MIC: must be removed when the object is deleted. */
  readonly hasFinalizer: boolean;
  /** Deleted, but kept by a finalizer. */
  readonly isEnding?: true;
}

/** `namespace/name` of a pod. */
export type PodKey = string;

export type IdentityView =
  | {
      readonly kind: 'valid';
      readonly key: string;
      readonly identity: AzureIdentity;
      readonly meaning: string;
      /** Type 0 only. */
      readonly resourceId?: ResourceId;
      /** From the spec, in lower case. */
      readonly clientId?: string;
    }
  | InvalidView;

export type BindingView =
  | {
      readonly kind: 'valid';
      readonly key: string;
      readonly binding: AzureIdentityBinding;
      readonly identityKey: string;
      readonly meaning: string;
    }
  | InvalidView;

/** The fields of an object that a write of its status needs. */
export interface ObjectReference {
  readonly generation?: number;
  readonly conditions: readonly Condition[];
}

/** An invalid object, kept only to report its problems to its owner. */
export interface InvalidView {
  readonly kind: 'invalid';
  readonly key: string;
  readonly reference: ObjectReference;
  readonly problems: readonly Problem[];
}
