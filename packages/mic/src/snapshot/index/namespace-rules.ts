// Which identities of other namespaces the pods of a namespace may get.
import {
  acceptsLabelPrefix,
  acceptsNamespace,
  allowsNamespace,
  type AllowedNamespaces,
  type Labels,
  type MatchingRules,
} from '@pod-identity/crd-types';

interface Known {
  /** As text: objects of many short labels take eight times as much memory. */
  readonly labels: string | undefined;
  /** Why the labels of the Namespace are not known. */
  readonly fault: string | undefined;
  /** The namespaces that it accepts identities of. */
  readonly accepted: readonly string[];
}

const unknown: Known = { labels: undefined, fault: undefined, accepted: [] };

export class NamespaceRules {
  readonly #rules: MatchingRules;
  readonly #opened: MatchingRules;
  readonly #byAllowedNamespaces: (namespace: string) => boolean;
  readonly #known = new Map<string, Known>();

  constructor(rules: MatchingRules, byAllowedNamespaces: (namespace: string) => boolean) {
    this.#rules = rules;
    this.#opened = { ...rules, byAllowedNamespaces: true };
    this.#byAllowedNamespaces = byAllowedNamespaces;
  }

  rules(namespace: string): MatchingRules {
    return this.#byAllowedNamespaces(namespace) ? this.#opened : this.#rules;
  }

  labels(namespace: string): Labels | undefined {
    const text = this.#of(namespace).labels;
    return text === undefined ? undefined : (JSON.parse(text) as Labels);
  }

  labelsFault(namespace: string): string | undefined {
    return this.#of(namespace).fault;
  }

  accepted(namespace: string): readonly string[] {
    return this.#of(namespace).accepted;
  }

  /** Returns whether matches of its pods may have changed. */
  setLabels(namespace: string, labels: Labels | undefined, fault?: string): boolean {
    const before = this.#of(namespace);
    const text = labels && JSON.stringify(labels);
    const after = { labels: text, fault, accepted: acceptedBy(labels) };
    if (text === undefined && fault === undefined) this.#known.delete(namespace);
    else this.#known.set(namespace, after);
    if (before.labels === text) return false;
    const { forceNamespaced, byAllowedNamespaces } = this.rules(namespace);
    return byAllowedNamespaces === true
      ? before.accepted.length + after.accepted.length > 0
      : !forceNamespaced;
  }

  /** Whether pods of the namespace may get an identity of `other` that allows these namespaces. */
  isOpenTo(namespace: string, other: string, allowed: readonly AllowedNamespaces[]): boolean {
    const { forceNamespaced, byAllowedNamespaces } = this.rules(namespace);
    if (byAllowedNamespaces !== true) return !forceNamespaced;
    if (allowed.length === 0 || !this.accepted(namespace).includes(other)) return false;
    const labels = this.labels(namespace);
    return allowed.some((one) => allowsNamespace(one, namespace, labels));
  }

  #of(namespace: string): Known {
    return this.#known.get(namespace) ?? unknown;
  }
}

function acceptedBy(labels: Labels | undefined): readonly string[] {
  return Object.keys(labels ?? {})
    .filter((name) => name.startsWith(acceptsLabelPrefix))
    .map((name) => name.slice(acceptsLabelPrefix.length))
    .filter((name) => acceptsNamespace(labels, name));
}
