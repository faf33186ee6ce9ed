// The valid bindings by what they require of pods. A lookup reads only what is filed under the pod's own properties, so its cost does
// not depend on the number of bindings.
import {
  hasOwnConditions,
  mostBindingsPerNamespace,
  placesOf,
  selectsPod,
  sortBindings,
  waysToFile,
  type AzureIdentityBinding,
  type BindingsByNamespace,
  type PodFacts,
} from '@pod-identity/crd-types';
import { Grouped } from './grouped.ts';

export class BindingPlaces {
  readonly #at = new Grouped<string, AzureIdentityBinding>();
  readonly #placesOf = new Map<AzureIdentityBinding, readonly string[]>();
  /** By name. Made when they are read, once for any number of changes. */
  readonly #sorted = new Map<string, readonly AzureIdentityBinding[]>();
  /** By selector: the namespaces with such bindings, and those where some have nothing else, which can select pods of other namespaces. */
  readonly #namespaces = new Grouped<string, string>();
  readonly #reaching = new Grouped<string, string>();

  add(binding: AzureIdentityBinding): void {
    const places = this.#choose(binding);
    this.#placesOf.set(binding, places);
    for (const place of places) {
      this.#at.add(place, binding);
      this.#sorted.delete(place);
    }
    const { selector } = binding.spec;
    if (selector !== '') this.#namespaces.add(selector, namespaceOf(binding));
    if (!looksBeyondLabel(binding)) this.#reaching.add(selector, namespaceOf(binding));
  }

  remove(binding: AzureIdentityBinding): void {
    for (const place of this.#placesOf.get(binding) ?? []) {
      this.#at.remove(place, binding);
      this.#sorted.delete(place);
    }
    this.#placesOf.delete(binding);
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    if (this.#at.of(`selector ${namespace}/${selector}`).size === 0)
      this.#namespaces.remove(selector, namespace);
    if (this.#at.of(`plain ${namespace}/${selector}`).size === 0) this.#reaching.remove(selector, namespace);
  }

  withSelector(selector: string): BindingsByNamespace {
    const namespaces = this.#reaching.of(selector);
    return {
      // Copied on access only: pods with bindings of their own namespace are matched without it.
      get namespaces() {
        return [...namespaces];
      },
      of: (namespace) => this.#sortedAt(`selector ${namespace}/${selector}`),
    };
  }

  has(selector: string, namespace: string): boolean {
    return this.#namespaces.of(selector).has(namespace);
  }

  /** The number of bindings of the namespace that have nothing but this selector. */
  reaching(selector: string, namespace: string): number {
    return this.#at.of(`plain ${namespace}/${selector}`).size;
  }

  /** Whether the namespace has as many broad bindings as count. */
  isFull(namespace: string): boolean {
    return this.#at.of(`broad ${namespace}`).size >= mostBindingsPerNamespace;
  }

  /** Whether bindings of the namespace select pods by more than the label. */
  lookBeyondLabel(namespace: string): boolean {
    return this.#at.of(`beyond ${namespace}`).size > 0;
  }

  /** The bindings of `lookBeyondLabel` that count and select the pod, by name. */
  selecting(pod: PodFacts): readonly AzureIdentityBinding[] {
    const broad = this.#broad(pod.namespace).slice(0, mostBindingsPerNamespace);
    const found = broad.filter((one) => selectsPod(one, pod));
    for (const place of placesOf(pod))
      for (const binding of this.#at.of(`filed ${pod.namespace}/${place}`))
        if (selectsPod(binding, pod)) found.push(binding);
    return found.length > 1 ? sortBindings(found) : found;
  }

  /**
   * Those without a selector, for matching: of the bindings that select a pod (`selecting`), and all broad ones, which count whether or
   * not they select it.
   */
  withoutSelector(namespace: string, selecting: readonly AzureIdentityBinding[]): AzureIdentityBinding[] {
    const broad = this.#at.of(`broad ${namespace}`);
    const narrow = selecting.filter((one) => one.spec.selector === '' && !broad.has(one));
    return [...this.#broad(namespace), ...narrow];
  }

  /** Bindings that require no property of the pod; at most one more than the limit, which shows that it is exceeded. */
  #broad(namespace: string): readonly AzureIdentityBinding[] {
    return this.#sortedAt(`broad ${namespace}`).slice(0, mostBindingsPerNamespace + 1);
  }

  #sortedAt(place: string): readonly AzureIdentityBinding[] {
    const known = this.#sorted.get(place);
    if (known) return known;
    const bindings = this.#at.of(place);
    const sorted = sortBindings(bindings);
    if (bindings.size > 0) this.#sorted.set(place, sorted);
    return sorted;
  }

  #choose(binding: AzureIdentityBinding): readonly string[] {
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    const labelled = selector === '' ? [] : [`selector ${namespace}/${selector}`];
    if (!looksBeyondLabel(binding)) return [...labelled, `plain ${namespace}/${selector}`];
    const ways = waysToFile(binding).map((way) => way.map((place) => `filed ${namespace}/${place}`));
    return [...labelled, `beyond ${namespace}`, ...(this.#leastCrowded(ways) ?? [`broad ${namespace}`])];
  }

  /** The one with the fewest bindings: common conditions, such as the name of a product, distinguish bindings least. */
  #leastCrowded(ways: readonly (readonly string[])[]): readonly string[] | undefined {
    const crowdOf = (way: readonly string[]) => Math.max(...way.map((place) => this.#at.of(place).size));
    const crowds = ways.map(crowdOf);
    return ways[crowds.indexOf(Math.min(...crowds))];
  }
}

function looksBeyondLabel(binding: AzureIdentityBinding): boolean {
  return binding.spec.selector === '' || hasOwnConditions(binding);
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
