// Which identities of other namespaces the pods of a namespace may get.
import {
  acceptedNamespaces,
  allowsNamespace,
  matchingRulesIn,
  reachOf,
  type AccessMode,
  type AllowedNamespaces,
  type Labels,
  type MatchingRules,
  type Reach,
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
  readonly #rules: Readonly<Record<AccessMode, MatchingRules>>;
  readonly #modeOf: (namespace: string) => AccessMode;
  readonly #known = new Map<string, Known>();

  constructor(rules: MatchingRules, modeOf: (namespace: string) => AccessMode) {
    const inMode = (mode: AccessMode) => matchingRulesIn(mode, rules);
    this.#rules = { namespace: inMode('namespace'), warn: inMode('warn'), rbac: inMode('rbac') };
    this.#modeOf = modeOf;
  }

  rules(namespace: string): MatchingRules {
    return this.#rules[this.#modeOf(namespace)];
  }

  reach(namespace: string): Reach {
    return reachOf(this.rules(namespace));
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
    const after = { labels: text, fault, accepted: acceptedNamespaces(labels) };
    if (text === undefined && fault === undefined) this.#known.delete(namespace);
    else this.#known.set(namespace, after);
    if (before.labels === text) return false;
    const reach = this.reach(namespace);
    return reach === 'any' || (reach === 'allowed' && before.accepted.length + after.accepted.length > 0);
  }

  /** Whether pods of the namespace may get an identity of `other` that allows these namespaces. */
  isOpenTo(namespace: string, other: string, allowed: readonly AllowedNamespaces[]): boolean {
    const reach = this.reach(namespace);
    if (reach !== 'allowed') return reach === 'any';
    if (allowed.length === 0 || !this.accepted(namespace).includes(other)) return false;
    const labels = this.labels(namespace);
    return allowed.some((one) => allowsNamespace(one, namespace, labels));
  }

  #of(namespace: string): Known {
    return this.#known.get(namespace) ?? unknown;
  }
}
