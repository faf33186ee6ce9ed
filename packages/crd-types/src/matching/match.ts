// Room: which pod may use which identity by its labels and bindings, and the object that records it.
// It must not do I/O, read a clock or the environment, or have a dependency.
import { acceptsNamespace, allowsNamespace } from '../objects/allowed-namespaces.ts';
import { isGuestIn, isNamespaced, type AzureIdentity } from '../objects/azure-identity.ts';
import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { compare, grouped, type BindingsByNamespace } from './bindings-by-namespace.ts';
import type { Labels } from '../objects/label-selector.ts';
import { hasAny, mostBindingsPerNamespace, ownBindings, type OwnBindings } from './own-bindings.ts';
import { reachOf, type MatchingRules, type Reach } from './reach.ts';
import { bindingLabelOf, hasAccount, hasOwnConditions, type PodFacts } from './selection.ts';

// The rule for which pod may use which identity. MIC applies it to assignments and NMI to requests, so that both agree.

/** The pod, and access to bindings and identities. */
export interface MatchInput extends BindingSource {
  /** From the Pod object. */
  readonly pod: PodFacts;
  /** Labels of the pod's Namespace; undefined if unknown: then no selector allows the namespace, and it accepts no other. */
  readonly namespaceLabels?: Labels | undefined;
  /** Returns valid identities only. */
  readonly identityOf: (namespace: string, name: string) => AzureIdentity | undefined;
  /** The configuration of the services: the same for MIC and NMI, so that both agree. */
  readonly rules: MatchingRules;
}

/** Access to bindings. The results may contain more than requested: matching checks whether they select the pod. */
export interface BindingSource {
  /** All bindings of the cluster with exactly this selector, in any order or by namespace. */
  readonly bindingsWithSelector: (value: string) => Iterable<AzureIdentityBinding> | BindingsByNamespace;
  /** Bindings of the namespace with `podSelector` or `serviceAccountName` in any order: all, or the first 101 by name, since 100 count. */
  readonly bindingsWithConditions: (namespace: string) => Iterable<AzureIdentityBinding>;
  /** Bindings with this selector whose identity has `allowedNamespaces`. Default: all bindings with the selector are checked. */
  readonly bindingsReachingOut?: (value: string) => BindingsByNamespace;
}

/** A BindingSource over a list of bindings. */
export function bindingsAmong(bindings: readonly AzureIdentityBinding[]): BindingSource {
  return {
    bindingsWithSelector: (value) => bindings.filter(({ spec }) => spec.selector === value),
    bindingsWithConditions: (namespace) =>
      bindings.filter((one) => hasOwnConditions(one) && one.metadata.namespace === namespace),
  };
}

/** The pod may use the identity because of the binding. */
export interface Match {
  /** The first binding that gives the pod this identity, as the BindingSource returned it. */
  readonly binding: AzureIdentityBinding;
  /** As `identityOf` returned it. */
  readonly identity: AzureIdentity;
  /**
   * The identity is of another namespace, which allows the pod's by `allowedNamespaces`. Whoever may write there must not decide what the
   * pod's requests mean: a guest is not selected if another identity of the pod fits the request.
   */
  readonly isGuest?: true;
}

/**
 * `no-account`, `no-label`, `empty-label`, `no-binding`: about the pod. `identity-missing`: the binding's namespace has no such identity.
 * `other-namespace`: the identity is namespaced, and the pod is in another namespace. `shadowed`: an earlier binding already matched an
 * identity of that name. `too-many-bindings`: more bindings of the pod's namespace select it than the limit, or the namespace has more
 * with podSelector or serviceAccountName; always the last of the list. `not-selected`: the binding's selector is the pod's label, but its
 * podSelector or serviceAccountName does not match; only reported for pods that have nothing else.
 */
export type MismatchReason =
  | 'no-account'
  | 'no-label'
  | 'empty-label'
  | 'no-binding'
  | 'identity-missing'
  | 'other-namespace'
  | 'shadowed'
  | 'too-many-bindings'
  | 'not-selected';

/** Why the pod has no identity, or why a binding gives it none. */
export interface Mismatch {
  /** What prevents it, and whether it concerns the pod, the binding or the identity: see `MismatchReason`. */
  readonly reason: MismatchReason;
  /** `namespace/name`, if a binding is concerned. */
  readonly binding?: string;
  /** `namespace/name` of the AzureIdentity that this binding names, whether or not it exists. */
  readonly identity?: string;
}

/** What `matchPod` returns. At least one of the lists has an entry. */
export interface MatchResult {
  /** Ordered by the bindings' namespace, then name; guests last. */
  readonly matches: readonly Match[];
  /** Why there are no matches, or no more. */
  readonly mismatches: readonly Mismatch[];
}

/**
 * Which identities a pod may use, and why not others: none without a ServiceAccount. The bindings that select the pod apply in the order of
 * their namespaces and names, the first 100 of each namespace. Of the bindings of a namespace with podSelector or serviceAccountName only
 * the first 100 by name are compared with pods. Those of the pod's own namespace come first if one of them has a condition that the
 * original does not have; guests come last. Mismatches with bindings of other namespaces are left out, unless the pod has nothing else:
 * then one of them is returned. Other problems there do not concern the pod.
 *
 * @example
 * ```ts
 * const { matches, mismatches } = matchPod({
 *   ...bindingsAmong(bindings),
 *   pod: { namespace: 'shop', labels: { aadpodidbinding: 'demo', app: 'web' }, serviceAccount: 'shop' },
 *   identityOf: (namespace, name) => identities.get(`${namespace}/${name}`),
 *   rules: { forceNamespaced: true },
 * });
 * console.log(matches.map(({ identity }) => identity.metadata.name), mismatches); // [ 'reader' ] []
 * ```
 */
export function matchPod(given: MatchInput): MatchResult {
  if (!hasAccount(given.pod)) return { matches: [], mismatches: [{ reason: 'no-account' }] };
  // Labels may be parsed at each read: the copy has them as an object.
  const input = { ...given, pod: { ...given.pod } };
  const label = bindingLabelOf(input.pod);
  const labelled = label ? grouped(input.bindingsWithSelector(label)) : noBindings;
  const own = ownBindings(labelled.of(input.pod.namespace), input);
  const others = label ? otherBindings(labelled, label, input) : [];
  const counting = others.length > 0 || hasAny(own) ? others : oneElsewhere(labelled);
  if (hasAny(own) || counting.length > 0) return matchThese(own, counting, input);
  return { matches: [], mismatches: [{ reason: reasonOf(label) }, ...beyond(own)] };
}

function reasonOf(label: string | undefined): MismatchReason {
  if (label === undefined) return 'no-label';
  return label === '' ? 'empty-label' : 'no-binding';
}

type Groups = readonly (readonly AzureIdentityBinding[])[];

/** Bindings of other namespaces that can give the pod an identity, by namespace. */
function otherBindings(labelled: BindingsByNamespace, label: string, input: MatchInput): Groups {
  const { pod, rules, identityOf, bindingsReachingOut, namespaceLabels } = input;
  const reach = reachOf(rules);
  if (reach === 'own') return [];
  const reachesOut = ({ metadata, spec }: AzureIdentityBinding) =>
    identityOf(metadata.namespace ?? '', spec.azureIdentity)?.spec.allowedNamespaces !== undefined;
  const counts = (binding: AzureIdentityBinding) =>
    !hasOwnConditions(binding) && (reach === 'any' || reachesOut(binding));
  const reaching = reach === 'allowed' ? bindingsReachingOut?.(label) : undefined;
  const bindings = reaching ?? labelled;
  return bindings.namespaces
    .filter((namespace) => namespace !== pod.namespace)
    .filter((namespace) => reach === 'any' || acceptsNamespace(namespaceLabels, namespace))
    .sort(compare)
    .map((namespace) => bindings.of(namespace).filter(counts).slice(0, mostBindingsPerNamespace))
    .filter((group) => group.length > 0);
}

/** One binding of another namespace: enough for the message to a pod that has nothing else. */
function oneElsewhere(labelled: BindingsByNamespace): Groups {
  const { namespaces } = labelled;
  if (namespaces.length === 0) return [];
  const first = namespaces.reduce((least, other) => (compare(other, least) < 0 ? other : least));
  const one = labelled.of(first).find((binding) => !hasOwnConditions(binding));
  return one ? [[one]] : [];
}

/** All bindings in the order in which they apply. */
function inOrder(own: OwnBindings, others: Groups, namespace: string) {
  const isOwnFirst = own.selecting.some(hasOwnConditions);
  const before = isOwnFirst
    ? 0
    : others.filter(([first]) => compare(first?.metadata.namespace ?? '', namespace) < 0).length;
  return [...others.slice(0, before), own.selecting, ...others.slice(before)].flat();
}

function matchThese(own: OwnBindings, others: Groups, input: MatchInput): MatchResult {
  const { namespace } = input.pod;
  const matches = new Map<string, Match>();
  const misses: Mismatch[] = [];
  const missesElsewhere: Mismatch[] = [];
  const outcomes = inOrder(own, others, namespace).map((binding) => judge(binding, input));
  for (const outcome of [...outcomes.filter(isNoGuest), ...outcomes.filter((one) => !isNoGuest(one))]) {
    const { binding } = outcome;
    const miss = (reason: MismatchReason) =>
      (binding.metadata.namespace === namespace ? misses : missesElsewhere).push(mismatch(reason, binding));
    const name = nameOf(outcome);
    if ('reason' in outcome) miss(outcome.reason);
    else if (matches.has(name)) miss('shadowed');
    else matches.set(name, outcome);
  }
  if (matches.size + misses.length === 0)
    misses.push(...(own.unselected ? [mismatch('not-selected', own.unselected)] : oneOf(missesElsewhere)));
  return { matches: [...matches.values()], mismatches: [...misses, ...beyond(own)] };
}

function beyond({ surplus }: OwnBindings): readonly Mismatch[] {
  return surplus === undefined ? [] : [mismatch('too-many-bindings', surplus)];
}

/** The mismatch that is closest to a match. */
function oneOf(mismatches: readonly Mismatch[]): readonly Mismatch[] {
  const one = mismatches.find(({ reason }) => reason === 'identity-missing') ?? mismatches[0];
  return one ? [one] : [];
}

type BindingOutcome = Match | { readonly binding: AzureIdentityBinding; readonly reason: MismatchReason };

/** The name that must be unique among matches. Guests get names of their own, so that they neither shadow others nor are shadowed. */
function nameOf(outcome: BindingOutcome): string {
  const { metadata, spec } = outcome.binding;
  return isNoGuest(outcome) ? spec.azureIdentity : `${metadata.namespace ?? ''}/${spec.azureIdentity}`;
}

function isNoGuest(outcome: BindingOutcome): boolean {
  return 'reason' in outcome || outcome.isGuest !== true;
}

/** The identity that the binding gives the pod, or the reason why not. */
function judge(binding: AzureIdentityBinding, input: MatchInput): BindingOutcome {
  const namespace = binding.metadata.namespace ?? '';
  if (namespace !== input.pod.namespace) return judgeElsewhere(binding, input);
  const identity = input.identityOf(namespace, binding.spec.azureIdentity);
  return identity ? { binding, identity } : { binding, reason: 'identity-missing' };
}

function judgeElsewhere(binding: AzureIdentityBinding, input: MatchInput): BindingOutcome {
  const { identityOf, rules } = input;
  const reach = reachOf(rules);
  const otherNamespace = { binding, reason: 'other-namespace' } as const;
  if (reach === 'own') return otherNamespace;
  const identity = identityOf(binding.metadata.namespace ?? '', binding.spec.azureIdentity);
  if (identity === undefined)
    return reach === 'allowed' ? otherNamespace : { binding, reason: 'identity-missing' };
  if (!isOpenTo(identity, reach, input)) return otherNamespace;
  return isGuestIn(input.pod.namespace, identity)
    ? { binding, identity, isGuest: true }
    : { binding, identity };
}

/** Whether a pod of another namespace may use the identity. */
function isOpenTo(
  identity: AzureIdentity,
  reach: Exclude<Reach, 'own'>,
  { pod, namespaceLabels }: MatchInput,
): boolean {
  if (isNamespaced(identity)) return false;
  const { metadata, spec } = identity;
  const { allowedNamespaces } = spec;
  if (reach === 'allowed' && !acceptsNamespace(namespaceLabels, metadata.namespace ?? '')) return false;
  if (allowedNamespaces === undefined) return reach === 'any';
  return allowsNamespace(allowedNamespaces, pod.namespace, namespaceLabels);
}

const noBindings: BindingsByNamespace = { namespaces: [], of: () => [] };

function mismatch(reason: MismatchReason, binding: AzureIdentityBinding): Mismatch {
  const namespace = binding.metadata.namespace ?? '';
  return {
    reason,
    binding: `${namespace}/${binding.metadata.name}`,
    identity: `${namespace}/${binding.spec.azureIdentity}`,
  };
}
