// The bindings of one namespace with conditions besides the binding label, each filed under one property that selected pods must
// have. A lookup reads only the places of the pod's properties, so its cost does not depend on the number of bindings.
import {
  hasOwnConditions,
  mostBindingsPerNamespace,
  placesOf,
  selectsPod,
  sortBindings,
  waysToFile,
  type AzureIdentityBinding,
  type Labels,
  type PodFacts,
} from '@pod-identity/crd-types';

/** Pods of one application have the same labels, as one object. Limit of what is kept for them, since each pod can have labels of its own. */
const mostSelected = 1_000;

type Ways = readonly (readonly string[])[];

/** Of bindings that have not changed since an earlier filing. */
const knownWays = new WeakMap<AzureIdentityBinding, Ways>();

export class FiledBindings {
  readonly #places = new Map<string, AzureIdentityBinding[]>();
  /** Bindings that require no property of the pod. */
  readonly #broad: readonly AzureIdentityBinding[];
  /** By labels, then ServiceAccount. */
  #selected = new WeakMap<Labels, Map<string, readonly AzureIdentityBinding[]>>();
  #kept = 0;

  /** `bindings`: those of the namespace that look at more than the label. */
  constructor(bindings: readonly AzureIdentityBinding[]) {
    const broad = bindings.filter((binding) => waysOf(binding).length === 0);
    // At most one more than the limit, which shows that it is exceeded.
    this.#broad = sortBindings(broad).slice(0, mostBindingsPerNamespace + 1);
    for (const binding of bindings)
      for (const place of this.#leastCrowded(binding)) this.#at(place).push(binding);
  }

  get isEmpty(): boolean {
    return this.#places.size + this.#broad.length === 0;
  }

  /**
   * Bindings without a selector, for matching: of those that select a pod (`selecting`), and all broad ones, which count whether or not
   * they select it.
   */
  withoutSelector(selecting: readonly AzureIdentityBinding[]): readonly AzureIdentityBinding[] {
    const narrow = selecting.filter((one) => one.spec.selector === '' && waysOf(one).length > 0);
    return [...this.#broad, ...narrow];
  }

  /** Bindings that count and select the pod, by name. */
  selecting(pod: PodFacts): readonly AzureIdentityBinding[] {
    if (pod.isPartial === true) return this.#select(pod);
    const ofLabels = this.#selected.get(pod.labels);
    const known = ofLabels?.get(pod.serviceAccount);
    if (known) return known;
    const selecting = this.#select(pod);
    if (ofLabels && this.#kept < mostSelected) ofLabels.set(pod.serviceAccount, selecting);
    else this.#keep(pod, selecting);
    this.#kept += 1;
    return selecting;
  }

  #keep({ labels, serviceAccount }: PodFacts, selecting: readonly AzureIdentityBinding[]): void {
    if (this.#kept >= mostSelected) {
      this.#selected = new WeakMap();
      this.#kept = 0;
    }
    this.#selected.set(labels, new Map([[serviceAccount, selecting]]));
  }

  #select(pod: PodFacts): readonly AzureIdentityBinding[] {
    const found = this.#broad.slice(0, mostBindingsPerNamespace).filter((one) => selectsPod(one, pod));
    for (const place of placesOf(pod))
      for (const binding of this.#places.get(place) ?? []) if (selectsPod(binding, pod)) found.push(binding);
    return found.length > 1 ? sortBindings(found) : found;
  }

  /** The place with the fewest bindings: common conditions, such as the name of a product, distinguish bindings least. */
  #leastCrowded(binding: AzureIdentityBinding): readonly string[] {
    let best: readonly string[] = [];
    let least = Infinity;
    for (const way of waysOf(binding)) {
      const crowd = Math.max(...way.map((place) => this.#places.get(place)?.length ?? 0));
      if (crowd < least) [best, least] = [way, crowd];
    }
    return best;
  }

  #at(place: string): AzureIdentityBinding[] {
    const there = this.#places.get(place) ?? [];
    this.#places.set(place, there);
    return there;
  }
}

export function looksBeyondLabel(binding: AzureIdentityBinding): boolean {
  return binding.spec.selector === '' || hasOwnConditions(binding);
}

function waysOf(binding: AzureIdentityBinding): Ways {
  const ways = knownWays.get(binding) ?? waysToFile(binding);
  knownWays.set(binding, ways);
  return ways;
}
