// Room: the custom resources: types, parsers, names, ids, schemas, and the rule which pod may use which identity.
// It must not do I/O, read a clock or the environment, or have a dependency.
export type { Condition, ObjectMeta, OwnerReference } from './meta.ts';
export type { Kind, Resource } from './group.ts';
export {
  apiVersion,
  assignedIdentityFinalizer,
  behaviorAnnotation,
  bindingLabel,
  defaultAssignedNamespace,
  defaultIdentityAnnotation,
  group,
  nodeLabel,
  podUidAnnotation,
  resources,
  version,
} from './group.ts';
export { fieldLimits, tooLargeProblems, type FieldLimits } from './fields.ts';
export type { Parsed, Problem } from './problem.ts';
export type { Host, HostKind, ResourceId, ResourceIdParts } from './resource-id.ts';
export {
  canonicalResourceId,
  hostName,
  parseIdentityResourceId,
  parseProviderId,
  parseResourceId,
  sameResourceId,
} from './resource-id.ts';
export type { AzureIdentity, AzureIdentitySpec, IdentityType, SecretReference } from './azure-identity.ts';
export { isNamespaced, parseAzureIdentity } from './azure-identity.ts';
export type { AzureIdentityBinding } from './azure-identity-binding.ts';
export { isDefaultBinding, parseAzureIdentityBinding } from './azure-identity-binding.ts';
export { acceptsLabelPrefix, acceptsNamespace, type AllowedNamespaces } from './allowed-namespaces.ts';
export { allowsNamespace } from './allowed-namespaces.ts';
export type { LabelRequirement, Labels, LabelSelector, SelectorOperator } from './label-selector.ts';
export { selectorText } from './label-selector.ts';
export { withPackedLabels } from './packed-labels.ts';
export type { PodFacts } from './selection.ts';
export {
  bindingLabelOf,
  describeSelection,
  failedCondition,
  hasOwnConditions,
  isBroad,
  placesOf,
  selectsPod,
  waysToFile,
} from './selection.ts';
export type {
  AssignedIdentityParts,
  AssignedState,
  AzureAssignedIdentity,
} from './azure-assigned-identity.ts';
export {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
  parseAzureAssignedIdentity,
} from './azure-assigned-identity.ts';
export type { AzurePodIdentityException } from './azure-pod-identity-exception.ts';
export { parseAzurePodIdentityException } from './azure-pod-identity-exception.ts';
export type { Canonical } from './canonical.ts';
export { canonicalise } from './canonical.ts';
export type { BindingsByNamespace } from './bindings-by-namespace.ts';
export { sortBindings } from './bindings-by-namespace.ts';
export type {
  BindingSource,
  Match,
  MatchingRules,
  MatchQuestion,
  MatchResult,
  Mismatch,
  MismatchReason,
} from './match.ts';
export { bindingsAmong, matchPod } from './match.ts';
export { mostBindingsPerNamespace } from './own-bindings.ts';
export {
  absentOrLeftOut,
  explainTooMany,
  explainUnbound,
  whyUnbound,
  overShare,
  tooManyRemedy,
  type Unbound,
} from './unbound.ts';
export type { CustomResourceDefinition } from './schemas.ts';
export { customResourceDefinitions } from './schemas.ts';
export type { AccessResource, AccessSubject, AccessTarget } from './access.ts';
export {
  accessGroup,
  accessTargetKey,
  accessTargetsOf,
  accessVerb,
  machineTarget,
  parseAccessTarget,
} from './access.ts';
export type { AccessNeed, AccessRemedy, AccessRole, AccessRoleBinding } from './access-roles.ts';
export { accessCheck, missingRight, rolesFor } from './access-roles.ts';
export type { AccessMode, NamespaceView } from './namespace-view.ts';
export {
  accessAnnotation,
  accessModes,
  namespaceFields,
  readNamespaceView,
  strictestMode,
} from './namespace-view.ts';
