// The types of the custom resources alone: a module without code.
export type { Condition, ObjectMeta, OwnerReference } from './meta.ts';
export type { Kind, Resource } from './group.ts';
export type { AllowedNamespaces } from './allowed-namespaces.ts';
export type {
  AssignedIdentityParts,
  AssignedState,
  AzureAssignedIdentity,
} from './azure-assigned-identity.ts';
export type { AzureIdentity, AzureIdentitySpec, IdentityType, SecretReference } from './azure-identity.ts';
export type { AzureIdentityBinding } from './azure-identity-binding.ts';
export type { AzurePodIdentityException } from './azure-pod-identity-exception.ts';
export type { LabelRequirement, Labels, LabelSelector, SelectorOperator } from './label-selector.ts';
export type { Parsed, Problem } from './problem.ts';
export type { Host, HostKind, ResourceId, ResourceIdParts } from './resource-id.ts';
