import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { hasOwnConditions } from './selection.ts';

/** Bindings of one selector. Callers that store them in this form avoid sorting them for each pod. */
export interface BindingsByNamespace {
  /** Namespaces with bindings that have only a selector, in any order. Not read if only bindings of the pod's namespace count. */
  readonly namespaces: readonly string[];
  /** Sorted by name, by code unit. */
  of(namespace: string): readonly AzureIdentityBinding[];
}

export function grouped(bindings: Iterable<AzureIdentityBinding> | BindingsByNamespace): BindingsByNamespace {
  if ('namespaces' in bindings) return bindings;
  const groups = groupsOf(bindings);
  return {
    namespaces: [...groups.keys()].filter((namespace) => !groups.get(namespace)?.every(hasOwnConditions)),
    of: (namespace) => sortByName(groups.get(namespace) ?? []),
  };
}

/** By namespace. Node 20 has no Map.groupBy. */
function groupsOf(bindings: Iterable<AzureIdentityBinding>): ReadonlyMap<string, AzureIdentityBinding[]> {
  const groups = new Map<string, AzureIdentityBinding[]>();
  for (const binding of bindings) {
    const { namespace = '' } = binding.metadata;
    const group = groups.get(namespace);
    if (group === undefined) groups.set(namespace, [binding]);
    else group.push(binding);
  }
  return groups;
}

/** Sorts by namespace, then name (by code unit, so independent of the locale). Returns a new array. */
export function sortBindings(bindings: Iterable<AzureIdentityBinding>): AzureIdentityBinding[] {
  return [...bindings].sort(
    (a, b) =>
      compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
      compare(a.metadata.name, b.metadata.name),
  );
}

/** Sorts bindings of one namespace. Returns a new array. */
export function sortByName(bindings: Iterable<AzureIdentityBinding>): AzureIdentityBinding[] {
  return [...bindings].sort((a, b) => compare(a.metadata.name, b.metadata.name));
}

/** Compares by code unit. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
