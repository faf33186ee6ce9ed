// Which identities of other namespaces the pods of a namespace may get.
import {
  allowsNamespace,
  type AllowedNamespaces,
  type Labels,
  type MatchingRules,
} from '@pod-identity/crd-types';

export class NamespaceRules {
  readonly #rules: MatchingRules;
  readonly #opened: MatchingRules;
  readonly #byAllowedNamespaces: (namespace: string) => boolean;
  readonly #labels = new Map<string, Labels>();
  /** How many identities are for namespaces with certain labels. */
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
    return this.#labels.get(namespace);
  }

  /** Whether its pods may get something else. */
  setLabels(namespace: string, labels: Labels | undefined): boolean {
    const before = this.#labels.get(namespace);
    if (labels === undefined) this.#labels.delete(namespace);
    else this.#labels.set(namespace, labels);
    return this.#byLabels > 0 && !isSame(before, labels);
  }

  /** An identity is for other namespaces than before. */
  replaceAllowed(before: AllowedNamespaces | undefined, after: AllowedNamespaces | undefined): void {
    this.#byLabels += Number(after?.selector !== undefined) - Number(before?.selector !== undefined);
  }

  /** Whether pods of the namespace may get one of these identities of another namespace. */
  isOpenTo(namespace: string, allowed: readonly AllowedNamespaces[]): boolean {
    const { forceNamespaced, byAllowedNamespaces } = this.rules(namespace);
    if (byAllowedNamespaces !== true) return !forceNamespaced;
    return allowed.some((one) => allowsNamespace(one, namespace, this.labels(namespace)));
  }
}

function isSame(before: Labels | undefined, after: Labels | undefined): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
