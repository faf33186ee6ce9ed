// The valid bindings of each selector, kept in the order in which matching wants them: one that changes is put into its place,
// instead of sorting all of them again for each namespace that has pods with the label.
import type { AzureIdentityBinding, BindingsByNamespace } from '@pod-identity/crd-types';

type Sorted = AzureIdentityBinding[];

export class SelectorBindings {
  readonly #selectors = new Map<string, Map<string, Sorted>>();

  of(selector: string): BindingsByNamespace {
    const groups = this.#selectors.get(selector);
    return {
      // Copied only when asked for: a pod with bindings of its own namespace is matched without.
      get namespaces() {
        return [...(groups?.keys() ?? [])];
      },
      of: (namespace) => groups?.get(namespace) ?? [],
    };
  }

  has(selector: string, namespace: string): boolean {
    return this.#selectors.get(selector)?.has(namespace) === true;
  }

  /** In the place of one of the same name, if there is one. */
  add(binding: AzureIdentityBinding): void {
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    const groups = this.#selectors.get(selector) ?? new Map<string, Sorted>();
    const sorted = groups.get(namespace) ?? [];
    const at = placeOf(sorted, binding);
    sorted.splice(at, isAt(sorted, at, binding) ? 1 : 0, binding);
    this.#selectors.set(selector, groups.set(namespace, sorted));
  }

  remove(binding: AzureIdentityBinding): void {
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    const groups = this.#selectors.get(selector);
    const sorted = groups?.get(namespace);
    if (!groups || !sorted) return;
    const at = placeOf(sorted, binding);
    if (isAt(sorted, at, binding)) sorted.splice(at, 1);
    if (sorted.length === 0) groups.delete(namespace);
    if (groups.size === 0) this.#selectors.delete(selector);
  }
}

/** Where it is, or would have to be. */
function placeOf(sorted: Sorted, { metadata: { name } }: AzureIdentityBinding): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle]?.metadata.name ?? '') < name) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isAt(sorted: Sorted, at: number, { metadata }: AzureIdentityBinding): boolean {
  return sorted[at]?.metadata.name === metadata.name;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
