import { frozen } from './frozen.ts';

/** The API group of the custom resources. */
export const group = 'aadpodidentity.k8s.io';
/** The only version that is served and stored. */
export const version = 'v1';
/** Group and version, as in the `apiVersion` of each object. */
export const apiVersion = 'aadpodidentity.k8s.io/v1';

/** The four kinds. */
export type Kind =
  'AzureIdentity' | 'AzureIdentityBinding' | 'AzureAssignedIdentity' | 'AzurePodIdentityException';

/** A kind in the API server: the parts of its paths. */
export interface Resource<K extends Kind = Kind> {
  /** After `/apis/` in a path. */
  readonly group: typeof group;
  /** After the group in a path. */
  readonly version: typeof version;
  /** `kind` of each object; not part of a path. */
  readonly kind: K;
  /** The plural in lower case, such as `azureidentities`: the resource in a path, and in a rule of RBAC. */
  readonly plural: string;
  /** The path of one object needs `namespaces/<namespace>` before the plural; without it, the path lists those of all namespaces. */
  readonly namespaced: true;
}

function resource<K extends Kind>(kind: K, plural: string): Resource<K> {
  return { group, version, kind, plural, namespaced: true };
}

function resourcesOfKinds() {
  return frozen({
    AzureIdentity: resource('AzureIdentity', 'azureidentities'),
    AzureIdentityBinding: resource('AzureIdentityBinding', 'azureidentitybindings'),
    AzureAssignedIdentity: resource('AzureAssignedIdentity', 'azureassignedidentities'),
    AzurePodIdentityException: resource('AzurePodIdentityException', 'azurepodidentityexceptions'),
  } as const satisfies { [K in Kind]: Resource<K> });
}

/** The four kinds as resources of the API server. Frozen. */
export const resources: { readonly [K in Kind]: Resource<K> } = /* @__PURE__ */ resourcesOfKinds();

/** The label of a pod whose value is compared with a binding's selector. */
export const bindingLabel = 'aadpodidbinding';
/** The label of an AzureAssignedIdentity that holds the name of the pod's node. */
export const nodeLabel = 'nodename';
/** The annotation that, with the value `namespaced`, keeps an AzureIdentity inside its own namespace. */
export const behaviorAnnotation = 'aadpodidentity.k8s.io/Behavior';
/**
 * On a pod: the AzureIdentity, by name or `namespace/name`, for token requests without a selector. On an AzureIdentityBinding: with the
 * value `true` its identity is the default, unless the pod names another.
 */
export const defaultIdentityAnnotation = 'aadpodidentity.k8s.io/default-identity';
/** On an AzureAssignedIdentity of this MIC: the UID of its pod. */
export const podUidAnnotation = 'aadpodidentity.k8s.io/pod-uid';
/** Set by the original's MIC on each AzureAssignedIdentity; must be removed before the object can be deleted. */
export const assignedIdentityFinalizer = 'azureassignedidentity.finalizers.aadpodidentity.k8s.io';
/** Namespace of an AzureAssignedIdentity whose identity is not namespaced. */
export const defaultAssignedNamespace = 'default';
