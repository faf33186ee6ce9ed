import type {
  AccessMode,
  AccessSubject,
  AccessTarget,
  AzureIdentity,
  AzureIdentityBinding,
  AzurePodIdentityException,
  BindingsByNamespace,
  Labels,
  NamespaceView,
  ResourceId,
} from '@pod-identity/crd-types';
import type { Unbound } from '@pod-identity/policy';
import type { Access } from '../access/types.ts';
import type { Selector } from '../request/token-request.ts';
import type { EntraSubject, TokenSubject } from '../tokens/types.ts';

/** The current objects of the cluster. Equal revisions mean equal results. */
export interface ClusterView extends MatchedObjects {
  readonly revision: number;
  /** What is wrong with the object, if it exists but is not valid. */
  faultOf(namespace: string, name: string): string | undefined;
  /** Whether bindings of the namespace select pods by other properties than the label. */
  selectsUnlabelled(namespace: string): boolean;
  exceptionsIn(namespace: string): readonly AzurePodIdentityException[];
  /** Exceptions that do not count, since they are not valid, in any order. */
  invalidExceptionsIn(namespace: string): readonly InvalidException[];
}

/** An AzurePodIdentityException that is not valid. */
export interface InvalidException {
  readonly namespace: string;
  readonly name: string;
  /** On one line, of bounded length. */
  readonly fault: string;
  /** Absent: it is not known for which pods it is meant. */
  readonly podLabels?: Labels;
}

export type FoundException =
  | { readonly namespace: string; readonly name: string; readonly value: AzurePodIdentityException }
  | InvalidException;

/** The inputs of matching. */
export interface MatchedObjects {
  bindingsWithSelector(label: string): BindingsByNamespace;
  /** All bindings of the namespace with conditions besides the label. */
  bindingsWithConditions(namespace: string): readonly AzureIdentityBinding[];
  /** Bindings with this selector in namespaces whose identities may be for pods of other namespaces. */
  bindingsReachingOut(label: string): BindingsByNamespace;
  /** Undefined if there is none, or NMI may not watch Namespaces. */
  namespaceOf(name: string): NamespaceView | undefined;
  identityOf(namespace: string, name: string): AzureIdentity | undefined;
}

export type OperationMode = 'standard' | 'managed';

export interface AuthorizeRules {
  /** Managed: the operator attaches identities to hosts; there is no MIC, so texts name no MIC. */
  readonly mode: OperationMode;
  readonly forceNamespaced: boolean;
  /** Hosts (with port if not 443, in lower case) that secrets may be sent to; the first is the default. */
  readonly authorities: ReadonlySet<string>;
  readonly identityAccess: AccessMode;
  /** Whether the cluster has a broker, which the identities of type 3 need. */
  readonly hasBroker?: boolean;
  /** Namespaces whose AzurePodIdentityExceptions count in the modes `namespace` and `warn`; empty: all. */
  readonly exceptionNamespaces: ReadonlySet<string>;
}

/** Identities (`namespace/name`) that count as not bound for one request, and `exempt` for the exemption of the pod. */
export type Refused = ReadonlySet<string>;

/** An identity that the pod may use. */
export interface Candidate {
  readonly identity: AzureIdentity;
  /** `namespace/name`. */
  readonly name: string;
  /** Types 0 and 3, by which a request can name it. */
  readonly resourceId: ResourceId | undefined;
  /** In lower case; '' when the AzureIdentity names none. */
  readonly clientId: string;
  /** The binding makes it the default. */
  readonly isDefault: boolean;
  /** Of another namespace, by `allowedNamespaces`: not selected if another candidate fits. */
  readonly isGuest?: true;
}

export type GrantedIdentity = (ManagedIdentity | EntraSubject) & {
  /** Undefined: rights are not reviewed. */
  readonly access?: Access;
};

export type ManagedIdentity = Extract<TokenSubject, { readonly kind: 'identity' }>;

/** `invalidException`: one that may be meant for the pod. */
export type Denial = DenialReason & { readonly invalidException?: InvalidException };

type DenialReason =
  | Unbound
  /** Part of the pod was too large to be read: its rights are not known. */
  | { readonly why: 'pod-too-large'; readonly fault: string }
  | { readonly why: 'not-this-identity' | 'several-identities'; readonly offered: readonly string[] }
  | {
      readonly why: 'access-denied';
      /** `namespace/name`; '': the pod is exempt and requested an identity of the machine. */
      readonly identity: string;
      readonly subject: AccessSubject;
      /** The targets that the subject may not use. */
      readonly targets: readonly AccessTarget[];
    };

/** The pod is exempt: it gets a token of an identity of the machine, which NMI requests, keeps and checks as any other. */
export interface OfMachine {
  readonly kind: 'machine';
  /** The selector of the request, or the only identity that the exception allows. */
  readonly selector: Selector;
  /** In lower case: the client ids that a token may have. Undefined: any. */
  readonly clientIds: ReadonlySet<string> | undefined;
  readonly access?: Access;
}

export interface Denied {
  readonly kind: 'deny';
  readonly denial: Denial;
  /** The missing binding or identity may be created later. */
  readonly mayCome?: true;
  /** The request can mean any of these. Those that the ServiceAccount may not use count as not bound, so one may be left. */
  readonly among?: readonly GrantedIdentity[];
}

export type Decision =
  | { readonly kind: 'allow'; readonly identity: GrantedIdentity }
  /** The request names an object id, which AzureIdentities do not have: the identity whose token has it. */
  | {
      readonly kind: 'allow-by-object-id';
      readonly identities: readonly GrantedIdentity[];
    }
  | OfMachine
  | Denied
  /** Permitted, but this identity cannot be served. */
  | { readonly kind: 'unusable'; readonly identity: string; readonly fault: string };
