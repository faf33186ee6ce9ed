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
export * from './objects/object-texts.ts';
export { selectorText } from './objects/label-selector.ts';
export * from './matching/selection.ts';
export { sortBindings, type BindingsByNamespace } from './matching/bindings-by-namespace.ts';
export * from './matching/match.ts';
export * from './matching/reach.ts';
export { mostBindingsPerNamespace } from './matching/own-bindings.ts';
export * from './access/access.ts';
export * from './access/access-roles.ts';
export * from './access/namespace-view.ts';
