import { isNamespaced, type AzureIdentity } from './azure-identity.ts';
import type { AzureIdentityBinding } from './azure-identity-binding.ts';

// The rule which pod may act as which identity. MIC applies it when it assigns and NMI to each request, so that both agree.

export interface MatchingRules {
  /** Pods get identities of their own namespace only, whatever the identities say. */
  readonly forceNamespaced: boolean;
}

export interface PodLabels {
  readonly namespace: string;
  /** The value of the pod's `aadpodidbinding` label; undefined when it has none. */
  readonly bindingLabel: string | undefined;
}

/** The pod, and where bindings and identities are found. */
export interface MatchQuestion {
  readonly pod: PodLabels;
  /** All bindings of the cluster whose selector is exactly this value: in any order, or by namespace. */
  readonly bindingsWithSelector: (value: string) => Iterable<AzureIdentityBinding> | BindingsByNamespace;
  /** Only identities that are valid. */
  readonly identityOf: (namespace: string, name: string) => AzureIdentity | undefined;
  readonly rules: MatchingRules;
}

/** The pod may act as the identity, because of the binding. */
export interface Match {
  readonly binding: AzureIdentityBinding;
  readonly identity: AzureIdentity;
}

/**
 * `no-label`, `empty-label`, `no-binding`: about the pod. `identity-missing`: the binding names none in its own namespace.
 * `other-namespace`: the identity is namespaced and in another namespace than the pod. `shadowed`: an identity of that name
 * matched already, through an earlier binding. `too-many-bindings`: more of the pod's namespace select it than the limit.
 */
export type MismatchReason =
  | 'no-label'
  | 'empty-label'
  | 'no-binding'
  | 'identity-missing'
  | 'other-namespace'
  | 'shadowed'
  | 'too-many-bindings';

export interface Mismatch {
  readonly reason: MismatchReason;
  /** `namespace/name`, where one is concerned. */
  readonly binding?: string;
  readonly identity?: string;
}

export interface MatchResult {
  /** In the order of their bindings: by namespace, then name. */
  readonly matches: readonly Match[];
  /** Why there are no matches, or no more. */
  readonly mismatches: readonly Mismatch[];
}

/**
 * Bindings of one namespace that count for one pod: its editor may write any number, and each pod costs an
 * AzureAssignedIdentity, a log line or an Event for every one of them.
 */
export const mostBindingsPerNamespace = 100;

/**
 * Which identities a pod may act as, and why not as others. The bindings that select the pod apply, in the order of their
 * namespaces and names; the first 100 of each namespace. Bindings of other namespaces that give the pod nothing are left
 * out, unless there is nothing else: then one of them is a mismatch. Other problems there do not concern the pod.
 *
 * @example
 * ```ts
 * const { matches, mismatches } = matchPod({
 *   pod: { namespace: 'shop', bindingLabel: 'demo' },
 *   bindingsWithSelector: (value) => bindings.filter((binding) => binding.spec.selector === value),
 *   identityOf: (namespace, name) => identities.get(`${namespace}/${name}`),
 *   rules: { forceNamespaced: true },
 * });
 * ```
 */
export function matchPod(question: MatchQuestion): MatchResult {
  const label = question.pod.bindingLabel;
  if (label === undefined) return nothing('no-label');
  if (label === '') return nothing('empty-label');
  const bindings = grouped(question.bindingsWithSelector(label));
  return question.rules.forceNamespaced ? matchOwn(bindings, question) : matchAll(bindings, question);
}

/** Bindings of other namespaces give the pod nothing: if it has its own, the others are not read. */
function matchOwn(bindings: BindingsByNamespace, question: MatchQuestion): MatchResult {
  const { namespace } = question.pod;
  const own = bindings.of(namespace);
  if (own.length > 0) return matchThese([own], question);
  const { namespaces } = bindings;
  if (namespaces.length === 0) return nothing('no-binding');
  return matchThese([bindings.of(firstOf(namespaces)).slice(0, 1)], question);
}

function matchAll(bindings: BindingsByNamespace, question: MatchQuestion): MatchResult {
  const { namespaces } = bindings;
  if (namespaces.length === 0) return nothing('no-binding');
  return matchThese(
    namespaces.toSorted(compare).map((namespace) => bindings.of(namespace)),
    question,
  );
}

/** Of some namespaces, in their order, all bindings in the order of their names. */
function matchThese(
  groups: readonly (readonly AzureIdentityBinding[])[],
  question: MatchQuestion,
): MatchResult {
  const matches = new Map<string, Match>();
  const own: Mismatch[] = [];
  const others: Mismatch[] = [];
  const isOwn = ({ metadata }: AzureIdentityBinding) => metadata.namespace === question.pod.namespace;
  for (const binding of groups.flatMap((group) => group.slice(0, mostBindingsPerNamespace))) {
    const verdict = judge(binding, question);
    const name = binding.spec.azureIdentity;
    const miss = (reason: MismatchReason) => (isOwn(binding) ? own : others).push(mismatch(reason, binding));
    if (typeof verdict === 'string') miss(verdict);
    else if (matches.has(name)) miss('shadowed');
    else matches.set(name, { binding, identity: verdict });
  }
  const left = groups
    .map((group) => group[mostBindingsPerNamespace])
    .find((binding) => binding && isOwn(binding));
  if (left !== undefined) own.push(mismatch('too-many-bindings', left));
  const isElsewhereAlone = matches.size + own.length === 0;
  return { matches: [...matches.values()], mismatches: isElsewhereAlone ? oneOf(others) : own };
}

/** The one that is closest to a match. */
function oneOf(mismatches: readonly Mismatch[]): readonly Mismatch[] {
  const one = mismatches.find(({ reason }) => reason === 'identity-missing') ?? mismatches[0];
  return one ? [one] : [];
}

/** Bindings of one selector, kept sorted, so that they need not be sorted for each pod. */
export interface BindingsByNamespace {
  /** Those that have any, in any order. Not called if only the pod's own bindings count. */
  readonly namespaces: readonly string[];
  /** In the order of their names, by code unit. */
  of(namespace: string): readonly AzureIdentityBinding[];
}

function grouped(bindings: Iterable<AzureIdentityBinding> | BindingsByNamespace): BindingsByNamespace {
  if ('namespaces' in bindings) return bindings;
  const groups = Map.groupBy(bindings, ({ metadata }) => metadata.namespace ?? '');
  return {
    namespaces: [...groups.keys()],
    of: (namespace) => sortBindings(groups.get(namespace) ?? []),
  };
}

function firstOf(namespaces: readonly string[]): string {
  return namespaces.reduce((first, other) => (compare(other, first) < 0 ? other : first));
}

/** By namespace, then name (by code unit: the same everywhere). The list given is not touched. */
export function sortBindings(bindings: Iterable<AzureIdentityBinding>): AzureIdentityBinding[] {
  return [...bindings].sort(
    (a, b) =>
      compare(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
      compare(a.metadata.name, b.metadata.name),
  );
}

/** The identity that the binding gives the pod, or why it gives none. */
function judge(binding: AzureIdentityBinding, question: MatchQuestion): AzureIdentity | MismatchReason {
  const { pod, identityOf, rules } = question;
  const namespace = binding.metadata.namespace ?? '';
  const isElsewhere = namespace !== pod.namespace;
  if (isElsewhere && rules.forceNamespaced) return 'other-namespace';
  const identity = identityOf(namespace, binding.spec.azureIdentity);
  if (identity === undefined) return 'identity-missing';
  return isElsewhere && isNamespaced(identity) ? 'other-namespace' : identity;
}

function nothing(reason: MismatchReason): MatchResult {
  return { matches: [], mismatches: [{ reason }] };
}

function mismatch(reason: MismatchReason, binding: AzureIdentityBinding): Mismatch {
  const namespace = binding.metadata.namespace ?? '';
  return {
    reason,
    binding: `${namespace}/${binding.metadata.name}`,
    identity: `${namespace}/${binding.spec.azureIdentity}`,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
