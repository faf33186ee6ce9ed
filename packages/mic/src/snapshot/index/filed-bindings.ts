// The valid bindings by selector and namespace, and those with other conditions by namespace, in the order of names.
import {
  hasOwnConditions,
  mostBindingsPerNamespace,
  selectsPod,
  type AzureIdentityBinding,
  type BindingsByNamespace,
  type PodFacts,
} from '@pod-identity/crd-types';
import { Grouped } from './grouped.ts';

export class FiledBindings {
  /** All of one namespace, by name. */
  readonly #at = new Map<string, AzureIdentityBinding[]>();
  /** By selector: the namespaces with such bindings, and those where some have nothing else, which can select pods of other namespaces. */
  readonly #namespaces = new Grouped<string, string>();
  readonly #reaching = new Grouped<string, string>();

  add(binding: AzureIdentityBinding): void {
    for (const key of keysOf(binding)) {
      const bindings = this.#at.get(key) ?? [];
      bindings.splice(positionOf(binding, bindings), 0, binding);
      this.#at.set(key, bindings);
    }
    const { selector } = binding.spec;
    if (selector !== '') this.#namespaces.add(selector, namespaceOf(binding));
    if (!hasOwnConditions(binding)) this.#reaching.add(selector, namespaceOf(binding));
  }

  remove(binding: AzureIdentityBinding): void {
    for (const key of keysOf(binding)) {
      const bindings = this.#at.get(key) ?? [];
      bindings.splice(positionOf(binding, bindings), 1);
      if (bindings.length === 0) this.#at.delete(key);
    }
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    if (!this.#at.has(`selector ${namespace}/${selector}`)) this.#namespaces.remove(selector, namespace);
    if (!this.#at.has(`plain ${namespace}/${selector}`)) this.#reaching.remove(selector, namespace);
  }

  /** Bindings that have nothing but this selector: of each namespace no more than show that the limit is exceeded. */
  withSelector(selector: string): BindingsByNamespace {
    const namespaces = this.#reaching.of(selector);
    return {
      // Copied on access only: pods with bindings of their own namespace are matched without it.
      get namespaces() {
        return [...namespaces];
      },
      of: (namespace) => this.plain(selector, namespace).slice(0, mostBindingsPerNamespace + 1),
    };
  }

  has(selector: string, namespace: string): boolean {
    return this.#namespaces.of(selector).has(namespace);
  }

  /** All bindings of the namespace that have nothing but this selector. */
  plain(selector: string, namespace: string): readonly AzureIdentityBinding[] {
    return this.#of(`plain ${namespace}/${selector}`);
  }

  /** The first bindings of the namespace with conditions besides the label: no more than show that the limit is exceeded. */
  withConditions(namespace: string): readonly AzureIdentityBinding[] {
    return this.#of(`conditions ${namespace}`).slice(0, mostBindingsPerNamespace + 1);
  }

  /** Whether the namespace has as many bindings with conditions as count. */
  isFull(namespace: string): boolean {
    return this.withConditions(namespace).length >= mostBindingsPerNamespace;
  }

  /** Those of `withConditions` that count and select the pod. */
  selecting(pod: PodFacts): readonly AzureIdentityBinding[] {
    return this.withConditions(pod.namespace)
      .slice(0, mostBindingsPerNamespace)
      .filter((binding) => selectsPod(binding, pod));
  }

  #of(key: string): readonly AzureIdentityBinding[] {
    return this.#at.get(key) ?? [];
  }
}

function keysOf(binding: AzureIdentityBinding): readonly string[] {
  const { selector } = binding.spec;
  const namespace = namespaceOf(binding);
  const labelled = selector === '' ? [] : [`selector ${namespace}/${selector}`];
  return [
    ...labelled,
    hasOwnConditions(binding) ? `conditions ${namespace}` : `plain ${namespace}/${selector}`,
  ];
}

/** Where the binding is, or would be, in a list by name. */
function positionOf(
  { metadata: { name } }: AzureIdentityBinding,
  sorted: readonly AzureIdentityBinding[],
): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle]?.metadata.name ?? '') < name) from = middle + 1;
    else to = middle;
  }
  return from;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
