// The valid bindings by what they require of pods, each place in the order of names. A lookup reads only what is filed under the pod's own
// properties, and no more of it than counts.
import {
  hasOwnConditions,
  mostBindingsPerNamespace,
  filedKeysOf,
  selectsPod,
  sortBindings,
  waysToFile,
  type AzureIdentityBinding,
  type BindingsByNamespace,
  type PodFacts,
} from '@pod-identity/crd-types';
import { Grouped } from './grouped.ts';

/** The pod's namespace, and its bindings that select the pod: see `selecting`. */
interface OwnSelecting {
  readonly namespace: string;
  readonly selecting: readonly AzureIdentityBinding[];
}

export class FiledBindings {
  /** All of one namespace, by name. */
  readonly #at = new Map<string, AzureIdentityBinding[]>();
  readonly #keysOf = new Map<AzureIdentityBinding, readonly string[]>();
  /** By selector: the namespaces with such bindings, and those where some have nothing else, which can select pods of other namespaces. */
  readonly #namespaces = new Grouped<string, string>();
  readonly #reaching = new Grouped<string, string>();

  add(binding: AzureIdentityBinding): void {
    const keys = this.#choose(binding);
    this.#keysOf.set(binding, keys);
    for (const key of keys) {
      const bindings = this.#at.get(key) ?? [];
      bindings.splice(positionOf(binding, bindings), 0, binding);
      this.#at.set(key, bindings);
    }
    const { selector } = binding.spec;
    if (selector !== '') this.#namespaces.add(selector, namespaceOf(binding));
    if (!looksBeyondLabel(binding)) this.#reaching.add(selector, namespaceOf(binding));
  }

  remove(binding: AzureIdentityBinding): void {
    for (const key of this.#keysOf.get(binding) ?? []) {
      const bindings = this.#at.get(key) ?? [];
      bindings.splice(positionOf(binding, bindings), 1);
      if (bindings.length === 0) this.#at.delete(key);
    }
    this.#keysOf.delete(binding);
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    if (!this.#at.has(`selector ${namespace}/${selector}`)) this.#namespaces.remove(selector, namespace);
    if (!this.#at.has(`plain ${namespace}/${selector}`)) this.#reaching.remove(selector, namespace);
  }

  /**
   * Bindings with this selector that count: of other namespaces than the pod's those that have nothing else. No more than show that the limit
   * is exceeded.
   */
  withSelector(selector: string, own?: OwnSelecting): BindingsByNamespace {
    const namespaces = this.#reaching.of(selector);
    return {
      // Copied on access only: pods with bindings of their own namespace are matched without it.
      get namespaces() {
        return [...namespaces];
      },
      of: (namespace) => {
        const plain = this.plain(selector, namespace).slice(0, mostBindingsPerNamespace + 1);
        return namespace === own?.namespace ? this.#withConditions(selector, plain, own) : plain;
      },
    };
  }

  /** If no binding selects the pod, the first one with its label is in the message to it. */
  #withConditions(
    selector: string,
    plain: readonly AzureIdentityBinding[],
    { namespace, selecting }: OwnSelecting,
  ): readonly AzureIdentityBinding[] {
    const labelled = selecting.filter(({ spec }) => spec.selector === selector);
    if (labelled.length > 0) return sortBindings([...plain, ...labelled]);
    return plain.length > 0 ? plain : this.#of(`selector ${namespace}/${selector}`).slice(0, 1);
  }

  has(selector: string, namespace: string): boolean {
    return this.#namespaces.of(selector).has(namespace);
  }

  /** All bindings of the namespace that have nothing but this selector. */
  plain(selector: string, namespace: string): readonly AzureIdentityBinding[] {
    return this.#of(`plain ${namespace}/${selector}`);
  }

  /** Whether the namespace has as many broad bindings as count. */
  isFull(namespace: string): boolean {
    return this.#of(`broad ${namespace}`).length >= mostBindingsPerNamespace;
  }

  /** The number of bindings of the namespace that select pods by more than the label. */
  beyondLabel(namespace: string): number {
    return this.#of(`beyond ${namespace}`).length;
  }

  /**
   * The bindings of `beyondLabel` that count and select the pod, by name; at most one more than the limit, which shows that it is exceeded.
   */
  selecting(pod: PodFacts): readonly AzureIdentityBinding[] {
    let found: AzureIdentityBinding[] = [];
    for (const bindings of this.#candidates(pod)) {
      let left = mostBindingsPerNamespace + 1;
      for (const binding of bindings) {
        if (!selectsPod(binding, pod)) continue;
        found.push(binding);
        if ((left -= 1) === 0) break;
      }
      if (found.length > mostSorted) found = first(found);
    }
    return first(found);
  }

  /**
   * Those without a selector, for matching: of the bindings that select a pod (`selecting`), and all broad ones, which count whether or
   * not they select it; at most one more of these than the limit.
   */
  withoutSelector(namespace: string, selecting: readonly AzureIdentityBinding[]): AzureIdentityBinding[] {
    const broad = this.#of(`broad ${namespace}`);
    const narrow = selecting.filter(
      (one) => one.spec.selector === '' && broad[positionOf(one, broad)] !== one,
    );
    return [...broad.slice(0, mostBindingsPerNamespace + 1), ...narrow];
  }

  /** Of the broad ones only the first count. A pod can have thousands of labels. */
  *#candidates(pod: PodFacts): Generator<readonly AzureIdentityBinding[]> {
    yield this.#of(`broad ${pod.namespace}`).slice(0, mostBindingsPerNamespace);
    for (const key of filedKeysOf(pod)) yield this.#of(`filed ${pod.namespace}/${key}`);
  }

  #of(key: string): readonly AzureIdentityBinding[] {
    return this.#at.get(key) ?? [];
  }

  #choose(binding: AzureIdentityBinding): readonly string[] {
    const { selector } = binding.spec;
    const namespace = namespaceOf(binding);
    const labelled = selector === '' ? [] : [`selector ${namespace}/${selector}`];
    if (!looksBeyondLabel(binding)) return [...labelled, `plain ${namespace}/${selector}`];
    const ways = waysToFile(binding).map((way) => way.map((key) => `filed ${namespace}/${key}`));
    return [...labelled, `beyond ${namespace}`, ...(this.#leastCrowded(ways) ?? [`broad ${namespace}`])];
  }

  /** The one with the fewest bindings: common conditions, such as the name of a product, distinguish bindings least. */
  #leastCrowded(ways: readonly (readonly string[])[]): readonly string[] | undefined {
    const crowdOf = (way: readonly string[]) => Math.max(...way.map((key) => this.#of(key).length));
    const crowds = ways.map(crowdOf);
    return ways[crowds.indexOf(Math.min(...crowds))];
  }
}

/** So that a sort is no long step. */
const mostSorted = 10 * mostBindingsPerNamespace;

function first(bindings: readonly AzureIdentityBinding[]): AzureIdentityBinding[] {
  return sortBindings(bindings).slice(0, mostBindingsPerNamespace + 1);
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

function looksBeyondLabel(binding: AzureIdentityBinding): boolean {
  return binding.spec.selector === '' || hasOwnConditions(binding);
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
