// Identities and bindings, and which of them a pod gets. The result depends on the pod's namespace, its label and the other
// conditions of bindings in its namespace. It is computed once for all pods with these in common and cached until one of the objects
// changes.
import {
  bindingLabel,
  hasAccount,
  isBroad,
  matchPod,
  mostBindingsPerNamespace,
  selectsPod,
  type AllowedNamespaces,
  type AzureIdentityBinding,
  type Labels,
  type MatchingRules,
  type PodFacts,
  type ResourceId,
} from '@pod-identity/crd-types';
import { FoundBindings } from './found-bindings.ts';
import { Grouped } from './grouped.ts';
import { keyOf, namespaceOf } from '../keys.ts';
import { unmatched, withoutAccount, type MatchedIdentity, type MatchSet } from './match-set.ts';
import { MatchSets, noLabel } from './match-sets.ts';
import { assignmentMeaning } from '../meaning.ts';
import { NamespaceRules } from './namespace-rules.ts';
import { factsOf } from '../pod-facts.ts';
import type { BindingView, IdentityView, InvalidView, PodView } from '../views.ts';

/** Pods whose matches may have changed. */
export interface Changed {
  /** Of the changed object. */
  readonly namespace: string;
  /** Pods with these labels that `namespace` concerns; empty if the meaning is unchanged. */
  readonly labels: ReadonlySet<string>;
  /** Further pods of `namespace`; default: none. */
  readonly selects?: ((pod: PodView) => boolean) | undefined;
  /** Namespaces that the identity allows, and those that it allowed before: for namespaces that only this opens to it. */
  readonly reach: readonly AllowedNamespaces[];
}

type ValidBinding = Extract<BindingView, { kind: 'valid' }>;

export class Matching {
  readonly #namespaces: NamespaceRules;
  readonly #identities = new Map<string, IdentityView>();
  readonly #bindings = new Map<string, BindingView>();
  readonly #found = new FoundBindings();
  readonly #byIdentity = new Grouped<string, string>();
  readonly #byResource = new Grouped<ResourceId, string>();
  #revision = 0;
  readonly #matchSets = new MatchSets();
  /** Number of changes of the objects that matching depends on. */
  #changes = 0;
  readonly #last = new WeakMap<PodView, { readonly set: MatchSet; readonly changes: number }>();

  /** `byAllowedNamespaces`: if true for a namespace, its pods get identities of others only by `allowedNamespaces`, whatever the rules are. */
  constructor(rules: MatchingRules, byAllowedNamespaces: (namespace: string) => boolean = () => false) {
    this.#namespaces = new NamespaceRules(rules, byAllowedNamespaces);
  }

  /** Increases when the meaning of an identity changes. */
  get revision(): number {
    return this.#revision;
  }

  identity(key: string): IdentityView | undefined {
    return this.#identities.get(key);
  }

  binding(key: string): BindingView | undefined {
    return this.#bindings.get(key);
  }

  /** All keys, also those of invalid objects. */
  keys(): { readonly identities: Iterable<string>; readonly bindings: Iterable<string> } {
    return { identities: this.#identities.keys(), bindings: this.#bindings.keys() };
  }

  /** The bindings of a namespace that are not valid. Looks at all bindings. */
  invalidBindings(namespace: string): readonly InvalidView[] {
    const views = [...this.#bindings.values()].filter((view) => view.kind === 'invalid');
    return views.filter(({ reference }) => reference.namespace === namespace);
  }

  /** Keys of the bindings that name the identity. */
  bindingsNaming(identityKey: string): ReadonlySet<string> {
    return this.#byIdentity.of(identityKey);
  }

  /** Keys of the valid AzureIdentities of this resource. */
  identitiesFor(id: ResourceId): ReadonlySet<string> {
    return this.#byResource.of(id);
  }

  setIdentity(key: string, view: IdentityView | undefined): Changed {
    const before = this.#identities.get(key);
    this.#fileIdentity(key, before, view);
    put(this.#identities, key, view);
    const naming = this.#byIdentity.of(key);
    const bindings = Array.from(naming, (name) => this.#bindings.get(name)).filter(isValid);
    for (const { binding } of bindings) this.#found.setReach(binding, allowedBy(view));
    const unlabelled = bindings.map(({ binding }) => binding).filter(({ spec }) => spec.selector === '');
    const changed: Changed = {
      namespace: namespaceOf(key),
      labels: labelsOf(bindings),
      reach: [allowedBy(before), allowedBy(view)].filter((one) => one !== undefined),
      selects: unlabelled.length === 0 ? undefined : (pod) => mayBeSelectedByMany(pod, unlabelled),
    };
    this.#forget(changed);
    if (meaningOf(before) === meaningOf(view)) return sameMeaning(changed);
    this.#revision += 1;
    return changed;
  }

  setBinding(key: string, view: BindingView | undefined): Changed {
    const before = this.#bindings.get(key);
    const views = [before, view].filter(isValid);
    const reach = views.map(({ identityKey }) => allowedBy(this.#identities.get(identityKey)));
    if (before?.kind === 'valid') {
      this.#found.remove(before.binding);
      this.#byIdentity.remove(before.identityKey, key);
    }
    if (view?.kind === 'valid') {
      this.#found.add(view.binding);
      this.#found.setReach(view.binding, reach.at(-1));
      this.#byIdentity.add(view.identityKey, key);
    }
    put(this.#bindings, key, view);
    const unlabelled = views.map(({ binding }) => binding).filter(({ spec }) => spec.selector === '');
    const changed: Changed = {
      namespace: namespaceOf(key),
      labels: labelsOf(views),
      reach: reach.filter((one) => one !== undefined),
      selects: unlabelled.length === 0 ? undefined : (pod) => mayBeSelected(pod, unlabelled),
    };
    this.#forget(changed);
    return meaningOf(before) === meaningOf(view) ? sameMeaning(changed) : changed;
  }

  /** Returns whether matches of its pods may have changed. */
  setLabels(namespace: string, labels: Labels | undefined, fault?: string): boolean {
    return this.#namespaces.setLabels(namespace, labels, fault);
  }

  /** Why the labels of the Namespace are not known. */
  labelsFault(namespace: string): string | undefined {
    return this.#namespaces.labelsFault(namespace);
  }

  /**
   * Whether a change in another namespace can change the matches or messages of pods of this namespace. Not if identities are namespaced
   * and the pods have bindings of their own: otherwise each edit would plan everybody's pods.
   */
  isConcerned(namespace: string, label: string, { namespace: changedIn, reach }: ChangedElsewhere): boolean {
    if (namespace === changedIn || !this.#found.has(label, namespace)) return true;
    return this.#namespaces.isOpenTo(namespace, changedIn, reach);
  }

  /** The matches of a pod of this namespace with this label, without bindings that have other conditions. */
  matchSet(namespace: string, label: string): MatchSet {
    const known = this.#matchSets.get(label, namespace);
    if (known) return known;
    const facts = {
      namespace,
      labels: { [bindingLabel]: label },
      serviceAccount: anyAccount,
      isPartial: true,
    } as const;
    return this.#matchSets.put({ label, namespace }, this.#match(facts, []));
  }

  matchSetOf(pod: PodView): MatchSet {
    if (!hasAccount(pod)) return withoutAccount;
    if (!this.#found.looksBeyondLabel(pod.namespace))
      return pod.isUnlabelled === true ? unmatched : this.matchSet(pod.namespace, pod.bindingLabel);
    // Cached, since each change of a pod causes several calls.
    const last = this.#last.get(pod);
    if (last?.changes === this.#changes) return last.set;
    const set = this.#beyondLabel(pod);
    this.#last.set(pod, { set, changes: this.#changes });
    return set;
  }

  /** To be called when no pod has this label any more. */
  forgetLabel(label: string): void {
    this.#matchSets.forgetLabel(label);
  }

  /** To be called when `byAllowedNamespaces` or the labels of the namespace have changed. */
  forgetNamespace(namespace: string): void {
    this.#changes += 1;
    this.#matchSets.forgetNamespace(namespace);
  }

  #beyondLabel(pod: PodView): MatchSet {
    const { namespace } = pod;
    const selecting = this.#found.selecting(pod);
    const label = pod.isUnlabelled === true ? noLabel : pod.bindingLabel;
    const variant = selecting
      .slice(0, decisive)
      .map(({ metadata }) => metadata.name)
      .join(' ');
    const known = this.#matchSets.get(label, namespace, variant);
    if (known) return known;
    // All broad ones: matching counts them, whether or not they select this pod.
    const narrow = selecting.filter((one) => one.spec.selector === '' && !isBroad(one));
    const without = [...this.#found.broad(namespace), ...narrow];
    return this.#matchSets.put({ label, namespace, variant }, this.#match(factsOf(pod), without));
  }

  #match(pod: PodFacts, without: readonly AzureIdentityBinding[]): MatchSet {
    const { matches, mismatches } = matchPod({
      pod,
      namespaceLabels: this.#namespaces.labels(pod.namespace),
      bindingsWithSelector: (value) => this.#found.withSelector(value),
      bindingsWithoutSelector: () => without,
      bindingsReachingOut: (value) => this.#found.reachingOut(value),
      identityOf: (ns, name) => {
        const view = this.#identities.get(`${ns}/${name}`);
        return view?.kind === 'valid' ? view.identity : undefined;
      },
      rules: this.#namespaces.rules(pod.namespace),
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

  #fileIdentity(key: string, before: IdentityView | undefined, view: IdentityView | undefined): void {
    if (before?.kind === 'valid' && before.resourceId) this.#byResource.remove(before.resourceId, key);
    if (view?.kind === 'valid' && view.resourceId) this.#byResource.add(view.resourceId, key);
    this.#namespaces.replaceAllowed(allowedBy(before), allowedBy(view));
  }

  #forget(changed: Changed): void {
    this.#changes += 1;
    if (changed.selects) this.#matchSets.forgetVariants(changed.namespace);
    for (const label of changed.labels)
      for (const namespace of this.#matchSets.namespacesOf(label))
        if (this.isConcerned(namespace, label, changed)) this.#matchSets.forget(label, namespace);
  }
}

type ChangedElsewhere = Pick<Changed, 'namespace' | 'reach'>;

/** Stands for the ServiceAccount where bindings do not look at it: none has this name. */
const anyAccount = '*';

/** The first so many bindings that select a pod decide its matches. */
const decisive = 2 * mostBindingsPerNamespace + 2;

function sameMeaning({ namespace }: Changed): Changed {
  return { namespace, labels: new Set(), reach: [] };
}

function allowedBy(view: IdentityView | undefined): AllowedNamespaces | undefined {
  return view?.kind === 'valid' ? view.identity.spec.allowedNamespaces : undefined;
}

function labelsOf(views: readonly ValidBinding[]): Set<string> {
  return new Set(views.map(({ binding }) => binding.spec.selector).filter((selector) => selector !== ''));
}

function selectsAny(bindings: readonly AzureIdentityBinding[], pod: PodView): boolean {
  const facts = factsOf(pod);
  return bindings.some((binding) => selectsPod(binding, facts));
}

/** True for broad bindings: only the first ones count, so removing one can make another count for other pods. */
function mayBeSelected(pod: PodView, bindings: readonly AzureIdentityBinding[]): boolean {
  return bindings.some(isBroad) || selectsAny(bindings, pod);
}

/** Any number of bindings can name one identity. Above this, to evaluate all pods again in their turns costs less than to compare each. */
const mostCompared = 16;

function mayBeSelectedByMany(pod: PodView, bindings: readonly AzureIdentityBinding[]): boolean {
  return bindings.length > mostCompared || selectsAny(bindings, pod);
}

function isValid(view: BindingView | undefined): view is ValidBinding {
  return view?.kind === 'valid';
}

/** Undefined for missing and invalid objects. */
function meaningOf(view: IdentityView | BindingView | undefined): string | undefined {
  return view?.kind === 'valid' ? view.meaning : undefined;
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
