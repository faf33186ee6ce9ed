// The authorize room: may this pod have a token, and of which of its identities. One decision, with its reason.
// It must not fetch tokens, know HTTP statuses or answer at random; its only I/O is cluster-view.ts with node-records.ts, which keep what they read.
import type {
  AssignedState,
  AzureIdentity,
  AzurePodIdentityException,
  BindingsByNamespace,
  ResourceId,
} from '@pod-identity/crd-types';
import type { Selector } from '../request/token-request.ts';
import type { ServicePrincipal, TokenSubject } from '../tokens/types.ts';

/** What is known of the cluster's objects now. Equal revisions mean equal answers. */
export interface ClusterView {
  readonly revision: number;
  bindingsWithSelector(label: string): BindingsByNamespace;
  identityOf(namespace: string, name: string): AzureIdentity | undefined;
  /** Why there is no such identity although the object exists: what is wrong with it. */
  faultOf(namespace: string, name: string): string | undefined;
  /** Whether bindings of the namespace are left out because they are more than its share. */
  leavesOutBindings(namespace: string): boolean;
  /** The same of this node's records. */
  leavesOutRecords(namespace: string): boolean;
  /** This node's records that name the resource. */
  assignedOnNode(resource: ResourceId): readonly NodeRecord[];
  exceptionsIn(namespace: string): readonly AzurePodIdentityException[];
}

/** What is kept of an AzureAssignedIdentity of this node. */
export interface NodeRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly resource: ResourceId;
  /** `namespace/name`. */
  readonly identity: string;
  readonly pod: string;
  readonly podNamespace: string;
  readonly state: AssignedState;
}

export type OperationMode = 'standard' | 'managed';

/** The original's MIC in the pod network: it must not wait for itself. All of this must fit. */
export interface ControllerPods {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface AuthorizeRules {
  /** Managed: the operator attaches identities to the hosts, there is no MIC and there are no records of it. */
  readonly mode: OperationMode;
  readonly forceNamespaced: boolean;
  /** Pods that may get any identity of the machine because the administrator stated that they are MIC. */
  readonly controller: ControllerPods | undefined;
  /** Hosts, with port where it is not 443, in lower case, that secrets may be sent to; the first one is meant where no AzureIdentity names another. */
  readonly authorities: ReadonlySet<string>;
}

/** An identity that the pod may act as, and whether its host carries it. */
export interface Candidate {
  readonly identity: AzureIdentity;
  /** `namespace/name`. */
  readonly name: string;
  /** Type 0 only. */
  readonly resourceId: ResourceId | undefined;
  /** In lower case; '' when the AzureIdentity names none. */
  readonly clientId: string;
  /** The binding says that this one is meant when nothing else is said. */
  readonly isDefault: boolean;
  readonly state: CandidateState;
}

/** `created`: the controller has it in hand. `unseen`: nothing says that anybody works on it. */
export type CandidateState = 'ready' | 'created' | 'unseen';

/** An identity that the pod may act as: a user-assigned managed identity or a service principal. */
export type GrantedIdentity = ManagedIdentity | ServicePrincipal;

/** An identity that a pod may act as; `isReady`: it can be had now. */
export interface BoundIdentity {
  readonly identity: GrantedIdentity;
  readonly isReady: boolean;
}

export type ManagedIdentity = Extract<TokenSubject, { readonly kind: 'identity' }>;

export type Denial =
  | { readonly why: 'no-label' | 'empty-label' | 'other-namespace' }
  /** Part of the pod was not read: whether an exception or a binding is for it cannot be told. */
  | { readonly why: 'pod-too-large'; readonly fault: string }
  | { readonly why: 'no-binding'; readonly label: string; readonly leftOut?: boolean }
  | { readonly why: 'identity-missing'; readonly binding: string; readonly identity: string }
  | { readonly why: 'identity-invalid'; readonly identity: string; readonly fault: string }
  | { readonly why: 'not-this-identity' | 'several-identities'; readonly offered: readonly string[] };

/** The machine's own metadata service is asked in the pod's name. */
export interface PassThrough {
  readonly kind: 'pass-through';
  readonly why: 'exempt' | 'controller';
  /** What it is asked for: the caller's own selector, or the only identity that the exception frees. */
  readonly selector: Selector;
  /** In lower case: the client ids that a token may have. Undefined: any. */
  readonly clientIds: ReadonlySet<string> | undefined;
}

export type Decision =
  | { readonly kind: 'allow'; readonly identity: GrantedIdentity }
  /** The caller named an object id, which no AzureIdentity states: whichever of these turns out to have it. */
  | {
      readonly kind: 'allow-by-object-id';
      readonly identities: readonly GrantedIdentity[];
      readonly pending: readonly GrantedIdentity[];
      readonly objectId: string;
    }
  | PassThrough
  | { readonly kind: 'pending'; readonly seen: 'nothing' | 'created'; readonly identity: GrantedIdentity }
  /** `mayCome`: a binding or an identity that is created later may end it. */
  | { readonly kind: 'deny'; readonly denial: Denial; readonly mayCome?: true }
  /** Permitted, but this identity cannot be served. */
  | { readonly kind: 'unusable'; readonly identity: string; readonly fault: string };
