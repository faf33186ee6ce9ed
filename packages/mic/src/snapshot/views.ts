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

/** What decisions need of a pod that a binding may select. */
export interface PodView {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty until the scheduler has chosen a node. */
  readonly nodeName: string;
  /** Empty when it has none. */
  readonly bindingLabel: string;
  /** It has no binding label: kept only where bindings of its namespace select pods by something else. */
  readonly isUnlabelled?: true;
  /** All of its labels, where bindings of its namespace ask for them and they are not too large. */
  readonly labels?: Labels;
  /** The name of its ServiceAccount. */
  readonly serviceAccount: string;
  /** Succeeded or Failed: it gives its identity back. */
  readonly finished: boolean;
  /** creationTimestamp in milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface NodeView {
  readonly name: string;
  readonly providerId: string;
  /** There while the node bears the start-up taint. */
  readonly tainted?: TaintedNode;
}

/** A node that keeps pods away until NMI answers for it. */
export interface TaintedNode {
  readonly name: string;
  /** Of this Node object: a machine that registers again gets another. */
  readonly uid: string;
  /** creationTimestamp in milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A pod of NMI's DaemonSet, in NMI's own namespace. */
export interface AgentView {
  readonly name: string;
  readonly nodeName: string;
  /** creationTimestamp in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Since when the kubelet calls it ready, in milliseconds since the epoch; undefined while it is not. */
  readonly readyAt?: number;
  /** Succeeded, failed, or about to be deleted. */
  readonly ending: boolean;
}

/** An AzureAssignedIdentity, trimmed to what decisions need. */
export interface AssignedView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** From the owner reference or annotation that our MIC writes; undefined on the original's objects. */
  readonly podUid?: string;
  readonly nodeName: string;
  /** 'namespace/name' of the embedded identity and binding. */
  readonly identity: string;
  readonly binding: string;
  /** Fingerprint of what the embedded refs mean (spec, not metadata): equal meaning needs no write. */
  readonly meaning: string;
  readonly resourceId?: ResourceId;
  readonly state: AssignedState;
  /** Its label does not name its node: an NMI that asks for the records of its node by label does not see it. */
  readonly isMislabelled?: true;
  /** Left by the original's MIC: must be taken off when the object is deleted. */
  readonly hasFinalizer: boolean;
  /** Deleted already, and kept by a finalizer. */
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
      /** As stated in the spec, in lower case. */
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

/** Enough of an object for an Event about it and a write of its status. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly conditions: readonly Condition[];
}

/** Kept for one purpose: to tell its owner what is wrong with it. */
export interface InvalidView {
  readonly kind: 'invalid';
  readonly key: string;
  readonly reference: ObjectReference;
  readonly problems: readonly Problem[];
}
