import type { AzureIdentityBinding } from './azure-identity-binding.ts';
import { hasOwnConditions } from './selection.ts';

/** Bindings of one selector. Who keeps them in this form need not sort them for each pod. */
export interface BindingsByNamespace {
  /** Those that have any with nothing but a selector, in any order. Not asked for where a pod's own bindings are all that counts. */
  readonly namespaces: readonly string[];
  /** In the order of their names, by code unit. */
  of(namespace: string): readonly AzureIdentityBinding[];
}

export function grouped(bindings: Iterable<AzureIdentityBinding> | BindingsByNamespace): BindingsByNamespace {
  if ('namespaces' in bindings) return bindings;
  const groups = Map.groupBy(bindings, ({ metadata }) => metadata.namespace ?? '');
  return {
    namespaces: [...groups.keys()].filter((namespace) => !groups.get(namespace)?.every(hasOwnConditions)),
    of: (namespace) => sortByName(groups.get(namespace) ?? []),
  };
}

/** By namespace, then name (by code unit: the same everywhere). The list given is not touched. */
export function sortBindings(bindings: Iterable<AzureIdentityBinding>): AzureIdentityBinding[] {
  return [...bindings].sort(
    (a, b) =>
      compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
      compare(a.metadata.name, b.metadata.name),
  );
}

/** Of one namespace. */
export function sortByName(bindings: Iterable<AzureIdentityBinding>): AzureIdentityBinding[] {
  return [...bindings].sort((a, b) => compare(a.metadata.name, b.metadata.name));
}

/** By code unit. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
