// Room: what @pod-identity/crd-types exports: the custom resources and the rule which pod may use which identity.
// It must not do I/O, read a clock or the environment, or have a dependency.
export type * from './types.ts';
export * from './parse.ts';
export * from './crds.ts';
export * from './names.ts';
export { isGuestIn, isNamespaced } from './objects/azure-identity.ts';
export { isDefaultBinding } from './objects/azure-identity-binding.ts';
export {
  acceptedNamespaces,
  acceptsLabelPrefix,
  acceptsNamespace,
  allowsNamespace,
} from './objects/allowed-namespaces.ts';
export { problemTexts, warningTexts } from './objects/object-texts.ts';
export { selectorText } from './objects/label-selector.ts';
export type { PodFacts } from './matching/selection.ts';
export {
  bindingLabelOf,
  describeSelection,
  failedCondition,
  hasAccount,
  hasOwnConditions,
  isBroad,
  filedKeysOf,
  selectsPod,
  waysToFile,
} from './matching/selection.ts';
export type { BindingsByNamespace } from './matching/bindings-by-namespace.ts';
export { sortBindings } from './matching/bindings-by-namespace.ts';
export type {
  BindingSource,
  Match,
  MatchInput,
  MatchResult,
  Mismatch,
  MismatchReason,
} from './matching/match.ts';
export { bindingsAmong, matchPod } from './matching/match.ts';
export type { MatchingRules, Reach } from './matching/reach.ts';
export { matchingRulesIn, reachOf } from './matching/reach.ts';
export { mostBindingsPerNamespace } from './matching/own-bindings.ts';
export type { AccessResource, AccessSubject, AccessTarget } from './access/access.ts';
export {
  accessGroup,
  accessTargetKey,
  accessTargetsOf,
  federatedTarget,
  accessVerb,
  machineTarget,
  parseAccessTarget,
} from './access/access.ts';
export type { AccessNeed, AccessRemedy, AccessRole, AccessRoleBinding } from './access/access-roles.ts';
export { rolesFor } from './access/access-roles.ts';
export type { AccessMode, NamespaceView } from './access/namespace-view.ts';
export { accessAnnotation, accessModes, readNamespaceView, strictestMode } from './access/namespace-view.ts';
