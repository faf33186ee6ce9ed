// Cached matches, by binding label and namespace; in a namespace with bindings that have other conditions also by the bindings that
// select the pod.
import type { MatchSet } from './match-set.ts';

type Known = MatchSet | Map<string, MatchSet>;

/** Stands for the label of pods without one: no label has this value. */
export const noLabel = ' ';

/** Limit for one namespace and label, since its editors can create any number. */
const mostVariants = 1_000;

export class MatchSets {
  readonly #labels = new Map<string, Map<string, Known>>();
  /** Labels with variants, by namespace. */
  readonly #labelsIn = new Map<string, Set<string>>();

  /** `variant`: names of the bindings that select the pod; undefined if the label alone decides. */
  get(label: string, namespace: string, variant?: string): MatchSet | undefined {
    const known = this.#labels.get(label)?.get(namespace);
    if (known instanceof Map) return variant === undefined ? undefined : known.get(variant);
    return variant === undefined ? known : undefined;
  }

  put(key: { readonly label: string; readonly namespace: string; readonly variant?: string }, set: MatchSet) {
    const { label, namespace, variant } = key;
    const ofLabel = this.#labels.get(label) ?? new Map<string, Known>();
    this.#labels.set(label, ofLabel);
    if (variant === undefined) {
      ofLabel.set(namespace, set);
      return set;
    }
    this.#note(namespace, label);
    const known = ofLabel.get(namespace);
    const variants = known instanceof Map && known.size < mostVariants ? known : new Map<string, MatchSet>();
    ofLabel.set(namespace, variants.set(variant, set));
    return set;
  }

  namespacesOf(label: string): Iterable<string> {
    return this.#labels.get(label)?.keys() ?? [];
  }

  forget(label: string, namespace: string): void {
    this.#labels.get(label)?.delete(namespace);
  }

  forgetLabel(label: string): void {
    this.#labels.delete(label);
  }

  forgetVariants(namespace: string): void {
    for (const label of this.#labelsIn.get(namespace) ?? []) this.forget(label, namespace);
    this.#labelsIn.delete(namespace);
  }

  forgetNamespace(namespace: string): void {
    for (const label of this.#labels.keys()) this.forget(label, namespace);
    this.#labelsIn.delete(namespace);
  }

  #note(namespace: string, label: string): void {
    if ((this.#labelsIn.get(namespace)?.size ?? 0) >= mostVariants) this.forgetVariants(namespace);
    const labels = this.#labelsIn.get(namespace) ?? new Set<string>();
    this.#labelsIn.set(namespace, labels.add(label));
  }
}
