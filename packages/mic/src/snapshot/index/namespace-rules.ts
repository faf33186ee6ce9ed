// Which identities of other namespaces the pods of a namespace may get.
import {
  acceptsLabelPrefix,
  acceptsNamespace,
  allowsNamespace,
  type AllowedNamespaces,
  type Labels,
  type MatchingRules,
} from '@pod-identity/crd-types';

export class NamespaceRules {
  readonly #rules: MatchingRules;
  readonly #opened: MatchingRules;
  readonly #byAllowedNamespaces: (namespace: string) => boolean;
  /** As text: objects of many short labels take eight times as much memory. */
  readonly #labels = new Map<string, string>();
  /** Why the labels of a Namespace are not known. */
  readonly #faults = new Map<string, string>();
  /** Number of identities that allow namespaces by labels. */
  #byLabels = 0;

  constructor(rules: MatchingRules, byAllowedNamespaces: (namespace: string) => boolean) {
    this.#rules = rules;
    this.#opened = { ...rules, byAllowedNamespaces: true };
    this.#byAllowedNamespaces = byAllowedNamespaces;
  }

  rules(namespace: string): MatchingRules {
    return this.#byAllowedNamespaces(namespace) ? this.#opened : this.#rules;
  }

  labels(namespace: string): Labels | undefined {
    const text = this.#labels.get(namespace);
    return text === undefined ? undefined : (JSON.parse(text) as Labels);
  }

  labelsFault(namespace: string): string | undefined {
    return this.#faults.get(namespace);
  }

  /** Returns whether matches of its pods may have changed. */
  setLabels(namespace: string, labels: Labels | undefined, fault?: string): boolean {
    if (fault === undefined) this.#faults.delete(namespace);
    else this.#faults.set(namespace, fault);
    const before = this.#labels.get(namespace);
    const after = labels && JSON.stringify(labels);
    if (before === after) return false;
    const isWatched = this.#byLabels > 0 || accepts(this.labels(namespace)) || accepts(labels);
    if (after === undefined) this.#labels.delete(namespace);
    else this.#labels.set(namespace, after);
    return isWatched;
  }

  /** To be called when an identity's `allowedNamespaces` change. */
  replaceAllowed(before: AllowedNamespaces | undefined, after: AllowedNamespaces | undefined): void {
    this.#byLabels += Number(after?.selector !== undefined) - Number(before?.selector !== undefined);
  }

  /** Whether pods of the namespace may get an identity of `other` that allows these namespaces. */
  isOpenTo(namespace: string, other: string, allowed: readonly AllowedNamespaces[]): boolean {
    const { forceNamespaced, byAllowedNamespaces } = this.rules(namespace);
    if (byAllowedNamespaces !== true) return !forceNamespaced;
    if (allowed.length === 0) return false;
    const labels = this.labels(namespace);
    return acceptsNamespace(labels, other) && allowed.some((one) => allowsNamespace(one, namespace, labels));
  }
}

/** Whether the namespace accepts identities of some other namespace. */
function accepts(labels: Labels | undefined): boolean {
  return Object.keys(labels ?? {}).some((name) => name.startsWith(acceptsLabelPrefix));
}
