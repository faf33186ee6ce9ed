// Which ServiceAccounts use which Azure identities in a cluster, by matching of all pods that have not finished.
import {
  accessTargetKey,
  hasAccount,
  type AccessSubject,
  type AccessTarget,
  type AzureIdentity,
} from '@pod-identity/crd-types';
import { modeForIdentity, targetsOf } from '@pod-identity/policy';
import { keyOf } from '../snapshot/keys.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { PodView } from '../snapshot/views.ts';

/** One ServiceAccount, one target and the objects by which it is used: `AzureIdentity shop/reader`. */
export interface Use {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly by: readonly string[];
}

export interface Uses {
  /** By target, then ServiceAccount. */
  readonly uses: readonly Use[];
  /** Uses that no right can cover, with the reason; sorted. */
  readonly uncovered: readonly string[];
}

/** The uses of one pod. */
export interface Using {
  /** `namespace/name`. */
  readonly pod: string;
  /** Undefined: all identities of its machine, by an exception. */
  readonly identity?: AzureIdentity;
  readonly subject: AccessSubject;
  readonly by: string;
  readonly targets: readonly AccessTarget[];
  readonly problem?: string | undefined;
  /** The right decides already: the pod has it, or does not use the identity, which whoever wrote the object may only wish for. */
  readonly isEnforced: boolean;
}

export function* identitiesInUse(index: ClusterIndex): Generator<Using> {
  for (const pod of livePods(index))
    for (const { identity } of index.matchSetOf(pod).matches)
      yield {
        ...useOf(pod, identity),
        isEnforced: modeForIdentity(identity, index.accessMode(pod.namespace)) === 'rbac',
        ...targetsOf(identity),
      };
}

/** The rights that identities of type 0 would need as type 3: of those that state the tenant, which type 0 does not need. */
export function* identitiesAsFederated(index: ClusterIndex): Generator<Using> {
  for (const pod of livePods(index))
    for (const { identity } of index.matchSetOf(pod).matches)
      if (identity.spec.type === 0 && identity.spec.tenantID !== undefined)
        yield {
          ...useOf(pod, identity),
          isEnforced: false,
          ...targetsOf({ ...identity, spec: { ...identity.spec, type: 3 } }),
        };
}

/** Keys of pods that have a binding label and no ServiceAccount. */
export function* withoutAccount(index: ClusterIndex): Generator<string> {
  for (const pod of livePods(index)) if (!hasAccount(pod)) yield keyOf(pod);
}

export function* livePods(index: ClusterIndex): Generator<PodView> {
  const hosts = [undefined, ...Array.from(index.hosts(), ({ id }) => id)];
  for (const key of hosts.flatMap((host) => [...index.podKeysOn(host)])) {
    const pod = index.pod(key);
    if (pod && !pod.finished) yield pod;
  }
}

function useOf(pod: PodView, identity: AzureIdentity): Pick<Using, 'pod' | 'subject' | 'identity' | 'by'> {
  const subject = { namespace: pod.namespace, name: pod.serviceAccount };
  return { pod: keyOf(pod), subject, identity, by: `AzureIdentity ${keyOf(identity.metadata)}` };
}

/** The names of the objects of uses whose right decides already. */
export function enforcedIn(all: readonly Using[]): readonly string[] {
  return [...new Set(all.flatMap(({ by, isEnforced }) => (isEnforced ? by : [])))].sort();
}

/** In an order that depends only on the uses. */
export function usesOf(all: Iterable<Using>): Uses {
  const uses = new Map<string, Omit<Use, 'by'> & { readonly by: Set<string> }>();
  const uncovered = new Set<string>();
  for (const { subject, by, targets, problem } of all) {
    if (problem !== undefined) uncovered.add(`${by}: ${problem}`);
    for (const target of targets) {
      const key = sortKey(subject, target);
      const use = uses.get(key) ?? { subject, target, by: new Set<string>() };
      use.by.add(by);
      uses.set(key, use);
    }
  }
  const sorted = [...uses.keys()].sort().flatMap((key) => uses.get(key) ?? []);
  return {
    uses: sorted.map((use) => ({ ...use, by: [...use.by].sort() })),
    uncovered: [...uncovered].sort(),
  };
}

/** The separator cannot occur in names of targets, namespaces or ServiceAccounts. */
function sortKey({ namespace, name }: AccessSubject, target: AccessTarget): string {
  return [accessTargetKey(target), namespace, name].join('\u0000');
}
