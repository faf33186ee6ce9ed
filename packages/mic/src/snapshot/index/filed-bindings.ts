// The bindings of one namespace with conditions besides the binding label, each filed under one property that selected pods must
// have. A lookup reads only the places of the pod's properties, so its cost does not depend on the number of bindings.
import {
  mostBindingsPerNamespace,
  placesOf,
  selectsPod,
  sortBindings,
  waysToFile,
  type AzureIdentityBinding,
  type PodFacts,
} from '@pod-identity/crd-types';
import { putInto, takeFrom, type SortedBindings } from './sorted-bindings.ts';

export class FiledBindings {
  readonly #places = new Map<string, Map<string, AzureIdentityBinding>>();
  /** By name. */
  readonly #filedUnder = new Map<string, readonly string[]>();
  /** Bindings that require no property of the pod. */
  readonly #broad: SortedBindings = [];

  get isEmpty(): boolean {
    return this.#filedUnder.size + this.#broad.length === 0;
  }

  /** A binding of the same name must have been removed before. */
  add(binding: AzureIdentityBinding): void {
    const way = this.#leastCrowded(waysToFile(binding));
    if (way === undefined) {
      putInto(this.#broad, binding);
      return;
    }
    const { name } = binding.metadata;
    this.#filedUnder.set(name, way);
    for (const place of way) this.#places.set(place, this.#at(place).set(name, binding));
  }

  remove(binding: AzureIdentityBinding): void {
    const { name } = binding.metadata;
    takeFrom(this.#broad, binding);
    for (const place of this.#filedUnder.get(name) ?? []) {
      const there = this.#at(place);
      there.delete(name);
      if (there.size === 0) this.#places.delete(place);
    }
    this.#filedUnder.delete(name);
  }

  /** Broad bindings by name, at most one more than the limit, which shows that it is exceeded. */
  get broad(): readonly AzureIdentityBinding[] {
    return this.#broad.slice(0, mostBindingsPerNamespace + 1);
  }

  /** Bindings that count and select the pod, by name. */
  selecting(pod: PodFacts): AzureIdentityBinding[] {
    const found = this.#broad.slice(0, mostBindingsPerNamespace).filter((one) => selectsPod(one, pod));
    for (const place of placesOf(pod))
      for (const binding of this.#places.get(place)?.values() ?? [])
        if (selectsPod(binding, pod)) found.push(binding);
    return sortBindings(found);
  }

  /** The place with the fewest bindings: common conditions, such as the name of a product, distinguish bindings least. */
  #leastCrowded(ways: readonly (readonly string[])[]): readonly string[] | undefined {
    let best: readonly string[] | undefined;
    let least = Infinity;
    for (const way of ways) {
      const crowd = Math.max(...way.map((place) => this.#places.get(place)?.size ?? 0));
      if (crowd < least) [best, least] = [way, crowd];
    }
    return best;
  }

  #at(place: string): Map<string, AzureIdentityBinding> {
    return this.#places.get(place) ?? new Map<string, AzureIdentityBinding>();
  }
}
