// Room: what @pod-identity/crd-types exports: the custom resources and the rule which pod may use which identity.
// It must not do I/O, read a clock or the environment, or have a dependency.
export type { Condition, ObjectMeta, OwnerReference } from './parsing/meta.ts';
export type { Parsed, Problem } from './parsing/problem.ts';
export { canonicalise, type Canonical } from './parsing/canonical.ts';
export * from './parsing/group.ts';
export * from './ids/resource-id.ts';
export {
  isGuestIn,
  isNamespaced,
  parseAzureIdentity,
  type AzureIdentity,
  type AzureIdentitySpec,
  type IdentityType,
  type SecretReference,
} from './objects/azure-identity.ts';
export {
  isDefaultBinding,
  parseAzureIdentityBinding,
  type AzureIdentityBinding,
} from './objects/azure-identity-binding.ts';
export * from './objects/azure-pod-identity-exception.ts';
export {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
  parseAzureAssignedIdentity,
  type AssignedIdentityParts,
  type AssignedState,
  type AzureAssignedIdentity,
} from './matching/azure-assigned-identity.ts';
export {
  acceptedNamespaces,
  acceptsLabelPrefix,
  acceptsNamespace,
  allowsNamespace,
  type AllowedNamespaces,
} from './objects/allowed-namespaces.ts';
export * from './objects/object-texts.ts';
export {
  selectorText,
  type LabelRequirement,
  type Labels,
  type LabelSelector,
  type SelectorOperator,
} from './objects/label-selector.ts';
export * from './matching/selection.ts';
export { sortBindings, type BindingsByNamespace } from './matching/bindings-by-namespace.ts';
export * from './matching/match.ts';
export * from './matching/reach.ts';
export { mostBindingsPerNamespace } from './matching/own-bindings.ts';
export * from './access/access.ts';
export * from './access/access-roles.ts';
export * from './access/namespace-view.ts';
