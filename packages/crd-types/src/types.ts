// The types of the custom resources alone: a module without code.
export type { Condition, ListMeta, ObjectMeta, OwnerReference } from './meta.ts';
export type { Kind, Resource } from './group.ts';
export type { AllowedNamespaces } from './allowed-namespaces.ts';
export type {
  AssignedIdentityParts,
  AssignedState,
  AzureAssignedIdentity,
  AzureAssignedIdentityList,
} from './azure-assigned-identity.ts';
export type {
  AzureIdentity,
  AzureIdentityList,
  AzureIdentitySpec,
  IdentityType,
  SecretReference,
} from './azure-identity.ts';
export type { AzureIdentityBinding, AzureIdentityBindingList } from './azure-identity-binding.ts';
export type {
  AzurePodIdentityException,
  AzurePodIdentityExceptionList,
} from './azure-pod-identity-exception.ts';
export type { LabelRequirement, Labels, LabelSelector, SelectorOperator } from './label-selector.ts';
export type { Parsed, Problem } from './problem.ts';
export type { Parser, StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';
export type { Host, HostKind, ResourceId, ResourceIdParts } from './resource-id.ts';
