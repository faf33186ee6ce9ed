import { isNamespaced, type AzureIdentity } from './azure-identity.ts';
import type { AzureIdentityBinding } from './azure-identity-binding.ts';

// The one rule on who may act as what. MIC asks it when it assigns, NMI when it answers a pod: both must come to the same.

export interface MatchingRules {
  /** Pods get identities of their own namespace only, whatever the identities say. */
  readonly forceNamespaced: boolean;
}

export interface PodLabels {
  readonly namespace: string;
  /** The value of the pod's `aadpodidbinding` label; undefined when it has none. */
  readonly bindingLabel: string | undefined;
}

/** What is asked: which pod, and where bindings and identities are found. */
export interface MatchQuestion {
  readonly pod: PodLabels;
  /** All bindings of the cluster whose selector is exactly this value, in any order. */
  readonly bindingsWithSelector: (value: string) => Iterable<AzureIdentityBinding>;
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
 * `other-namespace`: the identity is kept inside another namespace than the pod's. `shadowed`: an identity of that name
 * matched already, through an earlier binding. `too-many-bindings`: more of the pod's namespace select it than count.
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
  /** Why there is nothing, or not more. */
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
 * out, unless there is nothing else: then one of them is told for each reason.
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
  const bindings = sortBindings(question.bindingsWithSelector(label));
  if (bindings.length === 0) return nothing('no-binding');

  const matches = new Map<string, Match>();
  const own: Mismatch[] = [];
  const others: Mismatch[] = [];
  const { counted, surplus } = firstOfEach(bindings);
  for (const binding of counted) {
    const verdict = judge(binding, question);
    const name = binding.spec.azureIdentity;
    const isOwn = binding.metadata.namespace === question.pod.namespace;
    const miss = (reason: MismatchReason) => (isOwn ? own : others).push(mismatch(reason, binding));
    if (typeof verdict === 'string') miss(verdict);
    else if (matches.has(name)) miss('shadowed');
    else matches.set(name, { binding, identity: verdict });
  }
  const left = surplus.get(question.pod.namespace);
  if (left !== undefined) own.push(mismatch('too-many-bindings', left));
  const isElsewhereAlone = matches.size + own.length === 0;
  return { matches: [...matches.values()], mismatches: isElsewhereAlone ? onePerReason(others) : own };
}

function onePerReason(mismatches: readonly Mismatch[]): readonly Mismatch[] {
  const isFirst = ({ reason }: Mismatch, at: number) =>
    mismatches.findIndex((other) => other.reason === reason) === at;
  return mismatches.filter(isFirst);
}

interface Counted {
  readonly counted: readonly AzureIdentityBinding[];
  /** By namespace, the first one that does not count. */
  readonly surplus: ReadonlyMap<string, AzureIdentityBinding>;
}

function firstOfEach(sorted: readonly AzureIdentityBinding[]): Counted {
  const counts = new Map<string, number>();
  const surplus = new Map<string, AzureIdentityBinding>();
  const counted = sorted.filter((binding) => {
    const { namespace = '' } = binding.metadata;
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    if (count > mostBindingsPerNamespace && !surplus.has(namespace)) surplus.set(namespace, binding);
    return count <= mostBindingsPerNamespace;
  });
  return { counted, surplus };
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
