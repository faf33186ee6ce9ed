// The valid bindings by selector, then namespace. They are sorted when matching reads them, once for any number of changes.
import {
  hasOwnConditions,
  sortBindings,
  type AzureIdentityBinding,
  type BindingsByNamespace,
} from '@pod-identity/crd-types';

/** The bindings of a namespace with one selector. */
interface Group {
  readonly byName: Map<string, AzureIdentityBinding>;
  sorted: readonly AzureIdentityBinding[] | undefined;
  /** Number of bindings that have only the selector: these can select pods of other namespaces. */
  plain: number;
}

const none: readonly AzureIdentityBinding[] = [];

export class SelectorBindings {
  readonly #selectors = new Map<string, Map<string, Group>>();

  of(selector: string): BindingsByNamespace {
    const groups = this.#selectors.get(selector);
    return {
      // Copied on access only: pods with bindings of their own namespace are matched without it.
      get namespaces() {
        return [...(groups ?? [])].flatMap(([namespace, { plain }]) => (plain > 0 ? [namespace] : []));
      },
      of: (namespace) => sortedOf(groups?.get(namespace)),
    };
  }

  has(selector: string, namespace: string): boolean {
    return this.#selectors.get(selector)?.has(namespace) === true;
  }

  /** Replaces the binding of the same name, if any. */
  add(binding: AzureIdentityBinding): void {
    this.remove(binding);
    const { selector } = binding.spec;
    const { namespace = '', name } = binding.metadata;
    const groups = this.#selectors.get(selector) ?? new Map<string, Group>();
    const group = groups.get(namespace) ?? { byName: new Map(), sorted: undefined, plain: 0 };
    group.byName.set(name, binding);
    group.sorted = undefined;
    group.plain += Number(!hasOwnConditions(binding));
    this.#selectors.set(selector, groups.set(namespace, group));
  }

  remove({ spec: { selector }, metadata: { namespace = '', name } }: AzureIdentityBinding): void {
    const groups = this.#selectors.get(selector);
    const group = groups?.get(namespace);
    const binding = group?.byName.get(name);
    if (!groups || !group || !binding) return;
    group.byName.delete(name);
    group.sorted = undefined;
    group.plain -= Number(!hasOwnConditions(binding));
    if (group.byName.size === 0) groups.delete(namespace);
    if (groups.size === 0) this.#selectors.delete(selector);
  }
}

function sortedOf(group: Group | undefined): readonly AzureIdentityBinding[] {
  if (group === undefined) return none;
  return (group.sorted ??= sortBindings(group.byName.values()));
}
