// Cached matches, by binding label and namespace; in a namespace with bindings that have other conditions also by the bindings that
// select the pod.
import type { AzureIdentityBinding } from '@pod-identity/crd-types';
import type { MatchedIdentity, MatchSet } from './match-set.ts';

/** By the names of the bindings that select the pod. */
type Variants = Map<string, MatchSet>;
type Known = MatchSet | Variants;

/** Stands for the label of pods without one: no label has this value. */
export const noLabel = ' ';

/** Limit for one namespace, since its editors can create any number. A result counts once, and once for each match. */
const mostVariants = 50_000;

export class MatchSets {
  readonly #labels = new Map<string, Map<string, Known>>();
  /** Labels with variants, and what all of these count, by namespace. */
  readonly #variantsIn = new Map<string, { readonly labels: Set<string>; weight: number }>();
  /** One object for all results: each pod of a namespace can have a result of its own, with a hundred matches. */
  readonly #matched = new WeakMap<AzureIdentityBinding, MatchedIdentity>();

  /** `variant`: names of the bindings that select the pod; undefined if the label alone decides. */
  get(label: string, namespace: string, variant?: string): MatchSet | undefined {
    const known = this.#labels.get(label)?.get(namespace);
    if (known instanceof Map) return variant === undefined ? undefined : known.get(variant);
    return variant === undefined ? known : undefined;
  }

  put(
    key: { readonly label: string; readonly namespace: string; readonly variant?: string },
    made: MatchSet,
  ) {
    const { label, namespace, variant } = key;
    const set = { ...made, matches: made.matches.map((match) => this.#sharedOf(match)) };
    if (variant !== undefined) {
      this.#variants(label, namespace, weightOf(set)).set(variant, set);
      return set;
    }
    this.forget(label, namespace);
    this.#file(label, namespace, set);
    return set;
  }

  /** What the variants of the namespace count. */
  weight(namespace: string): number {
    return this.#variantsIn.get(namespace)?.weight ?? 0;
  }

  namespacesOf(label: string): Iterable<string> {
    return this.#labels.get(label)?.keys() ?? [];
  }

  forget(label: string, namespace: string): void {
    const ofLabel = this.#labels.get(label);
    const known = ofLabel?.get(namespace);
    ofLabel?.delete(namespace);
    const inside = this.#variantsIn.get(namespace);
    if (inside === undefined || !(known instanceof Map)) return;
    for (const set of known.values()) inside.weight -= weightOf(set);
    inside.labels.delete(label);
    if (inside.labels.size === 0) this.#variantsIn.delete(namespace);
  }

  forgetLabel(label: string): void {
    for (const namespace of [...this.namespacesOf(label)]) this.forget(label, namespace);
    this.#labels.delete(label);
  }

  forgetVariants(namespace: string): void {
    for (const label of [...(this.#variantsIn.get(namespace)?.labels ?? [])]) this.forget(label, namespace);
  }

  forgetNamespace(namespace: string): void {
    for (const label of this.#labels.keys()) this.forget(label, namespace);
  }

  #sharedOf(match: MatchedIdentity): MatchedIdentity {
    const known = this.#matched.get(match.binding);
    // The resource and the meaning follow from these two.
    if (known?.identity === match.identity) return known;
    this.#matched.set(match.binding, match);
    return match;
  }

  /** The variants of the label, after there is room for another one. */
  #variants(label: string, namespace: string, weight: number): Variants {
    if (this.weight(namespace) + weight > mostVariants) this.forgetVariants(namespace);
    const inside = this.#variantsIn.get(namespace) ?? { labels: new Set<string>(), weight: 0 };
    this.#variantsIn.set(namespace, inside);
    inside.labels.add(label);
    inside.weight += weight;
    const known = this.#labels.get(label)?.get(namespace);
    return known instanceof Map ? known : this.#file(label, namespace, new Map<string, MatchSet>());
  }

  #file<K extends Known>(label: string, namespace: string, known: K): K {
    const ofLabel = this.#labels.get(label) ?? new Map<string, Known>();
    this.#labels.set(label, ofLabel.set(namespace, known));
    return known;
  }
}

/** The text of the variant has a name for each binding too, of which not all match. */
function weightOf({ matches, mismatches }: MatchSet): number {
  return 1 + matches.length + mismatches.length;
}
