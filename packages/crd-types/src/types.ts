// The types of the custom resources alone: a module without code.
export type { Condition, ObjectMeta, OwnerReference } from './parsing/meta.ts';
export type { Kind, Resource } from './parsing/group.ts';
export type { AllowedNamespaces } from './objects/allowed-namespaces.ts';
export type {
  AssignedIdentityParts,
  AssignedState,
  AzureAssignedIdentity,
} from './matching/azure-assigned-identity.ts';
export type {
  AzureIdentity,
  AzureIdentitySpec,
  IdentityType,
  SecretReference,
} from './objects/azure-identity.ts';
export type { AzureIdentityBinding } from './objects/azure-identity-binding.ts';
export type { AzurePodIdentityException } from './objects/azure-pod-identity-exception.ts';
export type { LabelRequirement, Labels, LabelSelector, SelectorOperator } from './objects/label-selector.ts';
export type { Parsed, Problem } from './parsing/problem.ts';
export type { Host, HostKind, ResourceId, ResourceIdParts } from './ids/resource-id.ts';
