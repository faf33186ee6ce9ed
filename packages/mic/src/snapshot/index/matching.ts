// Which identities pods get: computed from the objects as they are, once for all pods of a namespace with the same label and the same
// selecting bindings. A change of an object marks the results of the pods that it may concern as outdated.
import {
  bindingLabel,
  hasAccount,
  hasOwnConditions,
  matchPod,
  mostBindingsPerNamespace,
  problemTexts,
  type AccessMode,
  type AllowedNamespaces,
  type AzureIdentityBinding,
  type BindingsByNamespace,
  type Labels,
  type MatchingRules,
  type PodFacts,
} from '@pod-identity/crd-types';
import { IdentityObjects, type ValidBinding } from './identity-objects.ts';
import { keyOf, namespaceOf } from '../keys.ts';
import { unmatched, withoutAccount, type MatchedIdentity, type MatchSet } from './match-set.ts';
import { assignmentMeaning } from '../meaning.ts';
import { NamespaceRules } from './namespace-rules.ts';
import { noLabel, Results } from './results.ts';
import type { BindingView, IdentityView, PodView } from '../views.ts';

/** What a changed object may concern. */
export interface Changed {
  readonly namespace: string;
  /** Pods with these labels, also of other namespaces in `reach`. */
  readonly labels: ReadonlySet<string>;
  /** Pods of the namespace that one of these bindings selects. */
  readonly selecting: readonly AzureIdentityBinding[] | 'all';
  /** Whether the object means something else now: a new copy alone concerns no pod. */
  readonly isOther: boolean;
  /** Whether pods that get the same as before need a new message. */
  readonly isNews: boolean;
  /** Namespaces that the identities concerned allow, or allowed before: pods of others get nothing by them. */
  readonly reach: readonly AllowedNamespaces[];
}

export class Matching {
  readonly objects = new IdentityObjects();
  readonly namespaces: NamespaceRules;
  readonly #results = new Map<string, Results>();
  /** One object for all results: each pod of a namespace can have a result of its own, with a hundred matches. */
  readonly #matched = new WeakMap<AzureIdentityBinding, MatchedIdentity>();
  #made = 0;

  /** `modeOf`: the access mode of a namespace. */
  constructor(rules: MatchingRules, modeOf: (namespace: string) => AccessMode = () => 'namespace') {
    this.namespaces = new NamespaceRules(rules, modeOf);
  }

  setIdentity(key: string, view: IdentityView | undefined): Changed {
    const before = this.objects.identity(key);
    const isOther = meaningOf(before) !== meaningOf(view);
    this.objects.setIdentity(key, view);
    const naming = Array.from(this.objects.bindingsNaming(key), (name) => this.objects.binding(name));
    const isNews = before?.kind !== 'valid' && view?.kind !== 'valid';
    return { ...this.#changed(key, naming), isOther, isNews, reach: [before, view].flatMap(allowedBy) };
  }

  setBinding(key: string, view: BindingView | undefined): Changed {
    const before = this.objects.binding(key);
    this.objects.setBinding(key, view);
    const views = [before, view].filter(isValid);
    const reach = views.flatMap(({ identityKey }) => allowedBy(this.objects.identity(identityKey)));
    const isOther = meaningOf(before) !== meaningOf(view);
    return { ...this.#changed(key, views), isOther, isNews: false, reach };
  }

  /** To be called when the rules or the labels of the namespace have changed. */
  namespaceChanged(namespace: string): void {
    this.#results.get(namespace)?.allChanged();
  }

  labelChanged(namespace: string, label: string): void {
    this.#results.get(namespace)?.labelChanged(label);
  }

  /** To be called when no pod of the namespace has this label any more, or for the first time. */
  forgetLabel(namespace: string, label: string): void {
    this.#results.get(namespace)?.forgetLabel(label);
  }

  forgetOutdated(namespace: string): void {
    this.#results.get(namespace)?.forgetOutdated();
  }

  /** To be called when the namespace has no pods. */
  forgetNamespace(namespace: string): void {
    this.#results.delete(namespace);
  }

  /**
   * Which pods of a namespace with this label may get something else, or another message, by a change: none if identities are namespaced and
   * the pods have bindings of their own, since otherwise each edit would plan everybody's pods; `bare`: those without a binding of their own.
   */
  concernedIn(namespace: string, label: string, changed: ChangedElsewhere): 'all' | 'bare' | 'none' {
    const { filed } = this.objects;
    const { namespace: changedIn, reach } = changed;
    if (namespace === changedIn) return 'all';
    // Only the first bindings count, whatever namespaces their identities allow: when one of them is deleted, a later one counts.
    const isFull = filed.plain(label, changedIn).length >= mostBindingsPerNamespace;
    if (this.namespaces.isOpenTo(namespace, changedIn, isFull ? reach.map(() => anyNamespace) : reach))
      return 'all';
    return filed.has(label, namespace) ? 'none' : 'bare';
  }

  /** The matches of a pod of this namespace with this label, without bindings that have other conditions. */
  matchSet(namespace: string, label: string): MatchSet {
    const labels: Labels = { [bindingLabel]: label };
    return this.#result({ namespace, labels, serviceAccount: anyAccount, isPartial: true }, { label });
  }

  matchSetOf(pod: PodView): MatchSet {
    if (!hasAccount(pod)) return withoutAccount;
    const { namespace, bindingLabel: label, isUnlabelled = false } = pod;
    if (this.objects.filed.withConditions(namespace).length > 0) return this.#beyondLabel(pod);
    return isUnlabelled ? unmatched : this.matchSet(namespace, label);
  }

  #beyondLabel(pod: PodView): MatchSet {
    const facts = factsOf(pod);
    const names = this.objects.filed.selecting(facts).map(({ metadata }) => metadata.name);
    const label = pod.isUnlabelled === true ? noLabel : pod.bindingLabel;
    return this.#result(facts, { label, names });
  }

  #resultsIn(namespace: string): Results {
    const results = this.#results.get(namespace) ?? new Results();
    this.#results.set(namespace, results);
    return results;
  }

  #result(facts: PodFacts, { label, names = [] }: Alike): MatchSet {
    const results = this.#resultsIn(facts.namespace);
    const variant = names.map((name) => ` ${name}`).join('');
    return results.get(label, variant) ?? results.put(label, variant, this.#match(facts));
  }

  #match(pod: PodFacts): MatchSet {
    const { objects, namespaces } = this;
    const { matches, mismatches } = matchPod({
      pod,
      namespaceLabels: namespaces.labels(pod.namespace),
      bindingsWithSelector: (value) => objects.filed.withSelector(value),
      bindingsWithConditions: (namespace) => objects.filed.withConditions(namespace),
      bindingsReachingOut: (value) => this.#acceptedBy(pod.namespace, value),
      identityOf: (namespace, name) => objects.validIdentity(`${namespace}/${name}`),
      rules: namespaces.rules(pod.namespace),
    });
    const matched = matches.flatMap(({ binding }) => this.#matchedBy(binding));
    const needs = [...new Set(matched.flatMap(({ resourceId }) => resourceId ?? []))];
    const uses = new Set(matched.flatMap((one) => (one.resourceId === undefined ? [] : one.identityKey)));
    const isOwn = (binding = '') => namespaceOf(binding) === pod.namespace;
    const hasOwn =
      matches.some(({ binding }) => isOwn(keyOf(binding.metadata))) ||
      mismatches.some(({ reason, binding }) => reason !== 'too-many-bindings' && isOwn(binding));
    return {
      matches: matched,
      mismatches,
      needs,
      grants: needs,
      uses: [...uses],
      hasOwn,
      meaningId: (this.#made += 1),
    };
  }

  /** Only of namespaces that this one accepts: any number of others can have bindings with the selector. All of them, since few reach out. */
  #acceptedBy(namespace: string, selector: string): BindingsByNamespace {
    const { filed } = this.objects;
    const accepted = this.namespaces.accepted(namespace);
    return {
      namespaces: accepted.filter((other) => filed.has(selector, other)),
      of: (other) => filed.plain(selector, other),
    };
  }

  #matchedBy(binding: AzureIdentityBinding): MatchedIdentity[] {
    const view = this.objects.binding(keyOf(binding.metadata));
    if (view?.kind !== 'valid') return [];
    const target = this.objects.identity(view.identityKey);
    if (target?.kind !== 'valid') return [];
    const known = this.#matched.get(binding);
    // The resource and the meaning follow from these two.
    if (known?.identity === target.identity) return [known];
    const { identityKey } = view;
    const { identity, resourceId } = target;
    const meaning = assignmentMeaning(target.meaning, view.meaning);
    const matched = {
      identityKey,
      identity,
      binding,
      meaning,
      ...(resourceId !== undefined && { resourceId }),
    };
    this.#matched.set(binding, matched);
    return [matched];
  }

  #changed(key: string, views: readonly (BindingView | undefined)[]): ChangedBindings {
    const namespace = namespaceOf(key);
    const bindings = views.filter(isValid).map(({ binding }) => binding);
    const labels = new Set(bindings.map(({ spec }) => spec.selector));
    const withoutSelector = labels.delete('') ? bindings.filter(({ spec }) => spec.selector === '') : [];
    // Only the first ones with conditions count: when one of them goes, a later one counts.
    const isFull = bindings.some(hasOwnConditions) && this.objects.filed.isFull(namespace);
    if (withoutSelector.length > 0 || isFull) this.namespaceChanged(namespace);
    for (const label of labels) this.labelChanged(namespace, label);
    const isForAll = isFull || withoutSelector.length > mostCompared;
    return { namespace, labels, selecting: isForAll ? 'all' : withoutSelector };
  }
}

type ChangedBindings = Pick<Changed, 'namespace' | 'labels' | 'selecting'>;
type ChangedElsewhere = Pick<Changed, 'namespace' | 'reach'>;

/** Bindings that an edit compares with each pod of its namespace: a changed one, before and after. */
const mostCompared = 2;

const anyNamespace: AllowedNamespaces = { selector: {} };

/** What pods with one result have in common besides their namespace. */
interface Alike {
  readonly label: string;
  /** Of the bindings that select them by more than the label. */
  readonly names?: readonly string[];
}

/** Stands for the ServiceAccount where bindings do not look at it: none has this name. */
const anyAccount = '*';

function allowedBy(view: IdentityView | undefined): AllowedNamespaces[] {
  const allowed = view?.kind === 'valid' ? view.identity.spec.allowedNamespaces : undefined;
  return allowed === undefined ? [] : [allowed];
}

function isValid(view: BindingView | undefined): view is ValidBinding {
  return view?.kind === 'valid';
}

/** Of an invalid identity pods are told the problems. */
function meaningOf(view: IdentityView | BindingView | undefined): string | undefined {
  return view?.kind === 'invalid' ? problemTexts(view.problems).join() : view?.meaning;
}

/** The input of matching. A view has all labels only if bindings of its namespace need them. */
export function factsOf({
  namespace,
  labels,
  serviceAccount,
  bindingLabel: label,
  isUnlabelled,
}: PodView): PodFacts {
  if (labels !== undefined) return { namespace, labels, serviceAccount };
  const known = isUnlabelled === true ? {} : { [bindingLabel]: label };
  return { namespace, labels: known, serviceAccount, isPartial: true };
}
