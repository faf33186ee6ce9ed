// Room: the custom resources: types, parsers, names, ids, schemas, and the rule which pod may use which identity.
// It must not do I/O, read a clock or the environment, or have a dependency.
export type * from './types.ts';
export * from './parse.ts';
export * from './crds.ts';
export * from './names.ts';
export { isNamespaced } from './azure-identity.ts';
export { isDefaultBinding } from './azure-identity-binding.ts';
export { acceptsLabelPrefix, acceptsNamespace, allowsNamespace } from './allowed-namespaces.ts';
export { problemTexts, warningTexts } from './object-texts.ts';
export { selectorText } from './label-selector.ts';
export type { PodFacts } from './selection.ts';
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
} from './selection.ts';
export type { BindingsByNamespace } from './bindings-by-namespace.ts';
export { sortBindings } from './bindings-by-namespace.ts';
export type {
  BindingSource,
  Match,
  MatchingRules,
  MatchInput,
  MatchResult,
  Mismatch,
  MismatchReason,
} from './match.ts';
export { bindingsAmong, matchPod } from './match.ts';
export { mostBindingsPerNamespace } from './own-bindings.ts';
export type { AccessResource, AccessSubject, AccessTarget } from './access.ts';
export {
  accessGroup,
  accessTargetKey,
  accessTargetsOf,
  federatedTarget,
  accessVerb,
  machineTarget,
  parseAccessTarget,
} from './access.ts';
export type { AccessNeed, AccessRemedy, AccessRole, AccessRoleBinding } from './access-roles.ts';
export { rolesFor } from './access-roles.ts';
export type { AccessMode, NamespaceView } from './namespace-view.ts';
export {
  accessAnnotation,
  accessModes,
  namespaceFields,
  readNamespaceView,
  strictestMode,
} from './namespace-view.ts';
