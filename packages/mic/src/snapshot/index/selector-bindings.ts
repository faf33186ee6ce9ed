// The valid bindings by selector, then namespace, sorted by name, as matching reads them.
import {
  hasOwnConditions,
  type AzureIdentityBinding,
  type BindingsByNamespace,
} from '@pod-identity/crd-types';
import { putInto, takeFrom, type SortedBindings } from './sorted-bindings.ts';

interface Group {
  readonly sorted: SortedBindings;
  /** Number of bindings that have only the selector: these can select pods of other namespaces. */
  plain: number;
}

export class SelectorBindings {
  readonly #selectors = new Map<string, Map<string, Group>>();

  of(selector: string): BindingsByNamespace {
    const groups = this.#selectors.get(selector);
    return {
      // Copied on access only: pods with bindings of their own namespace are matched without it.
      get namespaces() {
        return [...(groups ?? [])].flatMap(([namespace, { plain }]) => (plain > 0 ? [namespace] : []));
      },
      of: (namespace) => groups?.get(namespace)?.sorted ?? [],
    };
  }

  has(selector: string, namespace: string): boolean {
    return this.#selectors.get(selector)?.has(namespace) === true;
  }

  /** Replaces the binding of the same name, if any. */
  add(binding: AzureIdentityBinding): void {
    this.remove(binding);
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    const groups = this.#selectors.get(selector) ?? new Map<string, Group>();
    const group = groups.get(namespace) ?? { sorted: [], plain: 0 };
    putInto(group.sorted, binding);
    group.plain += Number(!hasOwnConditions(binding));
    this.#selectors.set(selector, groups.set(namespace, group));
  }

  remove(binding: AzureIdentityBinding): void {
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    const groups = this.#selectors.get(selector);
    const group = groups?.get(namespace);
    if (!groups || !group) return;
    const removed = takeFrom(group.sorted, binding);
    if (removed) group.plain -= Number(!hasOwnConditions(removed));
    if (group.sorted.length === 0) groups.delete(namespace);
    if (groups.size === 0) this.#selectors.delete(selector);
  }
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
