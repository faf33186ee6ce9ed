// Identities and bindings, and which of them a pod gets. That depends on its namespace and label alone, so the answer is
// worked out once for all pods that have both in common, and kept until one of the objects concerned changes.
import {
  bindingLabel,
  matchPod,
  type AzureIdentity,
  type AzureIdentityBinding,
  type MatchingRules,
  type Mismatch,
  type ResourceId,
} from '@pod-identity/crd-types';
import { Grouped } from './grouped.ts';
import { keyOf, namespaceOf } from '../keys.ts';
import { assignmentMeaning } from '../meaning.ts';
import { SelectorBindings } from './selector-bindings.ts';
import type { BindingView, IdentityView } from '../views.ts';

export interface MatchedIdentity {
  readonly identityKey: string;
  readonly identity: AzureIdentity;
  readonly binding: AzureIdentityBinding;
  readonly meaning: string;
  readonly resourceId?: ResourceId;
}

export interface MatchSet {
  readonly matches: readonly MatchedIdentity[];
  readonly mismatches: readonly Mismatch[];
  /** What a host must carry for such a pod; each id once. */
  readonly needs: readonly ResourceId[];
  /** The same: nobody else is asked. */
  readonly grants: readonly ResourceId[];
  /** Keys of the AzureIdentities that say so; each once. */
  readonly uses: readonly string[];
}

/** The pods that may get something else now: by their labels, those that `namespace` matters to. */
export interface Changed {
  readonly namespace: string;
  /** None when only the copies that are handed out are newer. */
  readonly labels: ReadonlySet<string>;
}

type ValidBinding = Extract<BindingView, { kind: 'valid' }>;

export class Matching {
  readonly #rules: MatchingRules;
  readonly #identities = new Map<string, IdentityView>();
  readonly #bindings = new Map<string, BindingView>();
  readonly #bySelector = new SelectorBindings();
  readonly #byIdentity = new Grouped<string, string>();
  readonly #byResource = new Grouped<ResourceId, string>();
  #revision = 0;
  readonly #matchSets = new Map<string, Map<string, MatchSet>>();

  readonly #isConfined: (namespace: string) => boolean;

  /** `isConfined`: pods of the namespace get identities of their own namespace only, whatever the rules say. */
  constructor(rules: MatchingRules, isConfined: (namespace: string) => boolean = () => false) {
    this.#rules = rules;
    this.#isConfined = isConfined;
  }

  /** Goes up when the meaning of any identity changes. */
  get revision(): number {
    return this.#revision;
  }

  identity(key: string): IdentityView | undefined {
    return this.#identities.get(key);
  }

  binding(key: string): BindingView | undefined {
    return this.#bindings.get(key);
  }

  /** Keys of all of them, invalid ones included. */
  keys(): { readonly identities: Iterable<string>; readonly bindings: Iterable<string> } {
    return { identities: this.#identities.keys(), bindings: this.#bindings.keys() };
  }

  /** Keys of the bindings that name the identity. */
  bindingsNaming(identityKey: string): ReadonlySet<string> {
    return this.#byIdentity.of(identityKey);
  }

  /** Keys of the valid identities that stand for this resource. */
  identitiesFor(id: ResourceId): ReadonlySet<string> {
    return this.#byResource.of(id);
  }

  setIdentity(key: string, view: IdentityView | undefined): Changed {
    const before = this.#identities.get(key);
    if (before?.kind === 'valid' && before.resourceId) this.#byResource.remove(before.resourceId, key);
    if (view?.kind === 'valid' && view.resourceId) this.#byResource.add(view.resourceId, key);
    put(this.#identities, key, view);
    const changed = { namespace: namespaceOf(key), labels: this.#labelsOf(this.#byIdentity.of(key)) };
    this.#forget(changed);
    if (meaningOf(before) === meaningOf(view)) return { ...changed, labels: new Set() };
    this.#revision += 1;
    return changed;
  }

  setBinding(key: string, view: BindingView | undefined): Changed {
    const before = this.#bindings.get(key);
    if (before?.kind === 'valid') {
      this.#bySelector.remove(before.binding);
      this.#byIdentity.remove(before.identityKey, key);
    }
    if (view?.kind === 'valid') {
      this.#bySelector.add(view.binding);
      this.#byIdentity.add(view.identityKey, key);
    }
    put(this.#bindings, key, view);
    const labels = new Set([before, view].filter(isValid).map(({ binding }) => binding.spec.selector));
    const changed = { namespace: namespaceOf(key), labels };
    this.#forget(changed);
    return meaningOf(before) === meaningOf(view) ? { ...changed, labels: new Set() } : changed;
  }

  /**
   * Whether pods of a namespace may get something else, or be told something else, by a change in another one: not where
   * identities are namespaced and the pods have bindings of their own. Else each edit would plan the pods of everybody.
   */
  isConcerned(namespace: string, label: string, changedIn: string): boolean {
    return namespace === changedIn || !this.#rules.forceNamespaced || !this.#bySelector.has(label, namespace);
  }

  /** What a pod of this namespace with this value of the binding label gets. */
  matchSet(namespace: string, label: string): MatchSet {
    const ofLabel = this.#matchSets.get(label) ?? new Map<string, MatchSet>();
    const known = ofLabel.get(namespace);
    if (known) return known;
    const set = this.#match(namespace, label);
    this.#matchSets.set(label, ofLabel.set(namespace, set));
    return set;
  }

  /** No pod has this label any more. */
  forgetLabel(label: string): void {
    this.#matchSets.delete(label);
  }

  /** Another answer of `isConfined` holds for its pods. */
  forgetNamespace(namespace: string): void {
    for (const ofLabel of this.#matchSets.values()) ofLabel.delete(namespace);
  }

  #match(namespace: string, label: string): MatchSet {
    const { matches, mismatches } = matchPod({
      pod: { namespace, labels: { [bindingLabel]: label }, serviceAccount: '', isPartial: true },
      bindingsWithSelector: (value) => this.#bySelector.of(value),
      bindingsWithoutSelector: () => [],
      identityOf: (ns, name) => {
        const view = this.#identities.get(`${ns}/${name}`);
        return view?.kind === 'valid' ? view.identity : undefined;
      },
      rules: this.#isConfined(namespace) ? { forceNamespaced: true } : this.#rules,
    });
    const matched = matches.flatMap(({ binding }) => this.#matched(binding));
    const needs = [...new Set(matched.flatMap(({ resourceId }) => resourceId ?? []))];
    const uses = new Set(matched.flatMap((one) => (one.resourceId === undefined ? [] : one.identityKey)));
    return { matches: matched, mismatches, needs, grants: needs, uses: [...uses] };
  }

  #matched(binding: AzureIdentityBinding): MatchedIdentity[] {
    const view = this.#bindings.get(keyOf(binding.metadata));
    if (view?.kind !== 'valid') return [];
    const target = this.#identities.get(view.identityKey);
    if (target?.kind !== 'valid') return [];
    return [
      {
        identityKey: view.identityKey,
        identity: target.identity,
        binding,
        meaning: assignmentMeaning(target.meaning, view.meaning),
        ...(target.resourceId !== undefined && { resourceId: target.resourceId }),
      },
    ];
  }

  #labelsOf(bindingKeys: Iterable<string>): Set<string> {
    const views = Array.from(bindingKeys, (key) => this.#bindings.get(key)).filter(isValid);
    return new Set(views.map(({ binding }) => binding.spec.selector));
  }

  #forget({ labels, namespace: changedIn }: Changed): void {
    for (const label of labels) {
      const ofLabel = this.#matchSets.get(label);
      for (const namespace of ofLabel?.keys() ?? [])
        if (this.isConcerned(namespace, label, changedIn)) ofLabel?.delete(namespace);
    }
  }
}

function isValid(view: BindingView | undefined): view is ValidBinding {
  return view?.kind === 'valid';
}

/** Undefined for what gives nobody anything: missing or invalid. */
function meaningOf(view: IdentityView | BindingView | undefined): string | undefined {
  return view?.kind === 'valid' ? view.meaning : undefined;
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
