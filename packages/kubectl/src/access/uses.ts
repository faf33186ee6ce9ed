// Which pod can be whom, of plain lists: by bindings, by exceptions, and by the host network.
import {
  machineTarget,
  type AccessMode,
  type AccessSubject,
  type AccessTarget,
  type AzureIdentity,
} from '@pod-identity/crd-types';
import { modeForIdentity, targetsOf } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { isExcepted } from '../judge/judge-identities.ts';
import { createMatching, recordsByPod } from '../judge/judge-pods.ts';
import type { Rules } from '../rights/modes.ts';
import { rightIn, type Reviews, type Right } from '../rights/verdicts.ts';

/** Fields of the JSON. */
export interface UseEntry {
  /** `namespace/name`, as is the ServiceAccount. */
  readonly pod: string;
  readonly serviceAccount: string;
  /** Empty if it is not scheduled. */
  readonly node: string;
  /** `AzureIdentity shop/reader`, `AzurePodIdentityException shop/agent`, `host network`. */
  readonly by: string;
  readonly type: 'managed' | 'client-secret' | 'certificate' | 'federated' | 'machine';
  /** In Azure, as resource and name. */
  readonly azure: readonly string[];
  /** The access mode that counts; null: not known. */
  readonly mode: AccessMode | null;
  /** `not-needed`: in mode `namespace`, and on the host network. */
  readonly right: Right | 'not-needed';
  /** Whether it gets tokens as far as rights are concerned; null: not known. */
  readonly mayUse: boolean | null;
  /** Of the AzureAssignedIdentity; empty if there is none, or it is not read. */
  readonly state: string;
}

export interface Use extends Pick<UseEntry, 'pod' | 'node' | 'by' | 'type' | 'mode' | 'state'> {
  readonly subject: AccessSubject;
  readonly targets: readonly AccessTarget[];
  /** Without targets: nobody can be given the right; else it is not known. */
  readonly isImpossible?: boolean;
  readonly needsRight: boolean;
}

const types = ['managed', 'client-secret', 'certificate', 'federated'] as const;

/** Machines first: bindings must not push out an entry for all identities of a machine. */
export function* usesIn(read: ClusterRead, rules: Rules): Generator<Use> {
  const matching = createMatching(read, rules);
  const exceptions = Map.groupBy(itemsOf(read.exceptions), ({ metadata }) => metadata.namespace ?? '');
  const pods = itemsOf(read.pods).filter(({ isFinished }) => !isFinished);
  const uses = createUses(read, rules, matching.modeOf);
  for (const pod of pods) {
    const own = (exceptions.get(pod.namespace) ?? []).filter((one) => isExcepted(pod, one));
    if (!pod.isOnHostNetwork)
      for (const { metadata } of own)
        yield uses.ofMachine(pod, `AzurePodIdentityException ${keyOf(metadata)}`);
    else if (own.length > 0 || matching.of(pod).matches.length > 0) yield uses.ofMachine(pod, 'host network');
  }
  for (const pod of pods)
    if (!pod.isOnHostNetwork)
      for (const { identity } of matching.of(pod).matches) yield uses.ofIdentity(pod, identity);
}

function createUses(read: ClusterRead, rules: Rules, modeOf: (namespace: string) => AccessMode) {
  const hosts = new Map(itemsOf(read.nodes).map(({ name, host }) => [name, host]));
  const recorded = recordsByPod(read);
  // Annotations of namespaces only make the mode stricter.
  const isModeKnown = rules.isKnown && (rules.mode === 'rbac' || read.namespaces.kind === 'read');
  const common = (pod: PodRead) => ({
    pod: keyOf(pod),
    node: pod.nodeName,
    subject: { namespace: pod.namespace, name: pod.serviceAccount },
  });
  return {
    ofMachine(pod: PodRead, by: string): Use {
      const host = hosts.get(pod.nodeName);
      const target = host && machineTarget(host.id);
      const mode = modeOf(pod.namespace);
      return {
        ...common(pod),
        by,
        type: 'machine',
        targets: target?.ok === true ? [target.value] : [],
        mode: isModeKnown ? mode : null,
        needsRight: !pod.isOnHostNetwork && (mode !== 'namespace' || !isModeKnown),
        state: '',
      };
    },
    ofIdentity(pod: PodRead, identity: AzureIdentity): Use {
      const mode = modeForIdentity(identity, modeOf(pod.namespace));
      const key = keyOf(identity.metadata);
      const { targets, problem } = targetsOf(identity);
      return {
        ...common(pod),
        by: `AzureIdentity ${key}`,
        type: types[identity.spec.type],
        targets,
        isImpossible: problem !== undefined,
        mode: isModeKnown || identity.spec.type === 3 ? mode : null,
        needsRight: mode !== 'namespace' || !isModeKnown,
        state: recorded.get(keyOf(pod))?.get(key)?.state ?? '',
      };
    },
  };
}

/** Of one namespace. Its editors can bind a hundred identities to any number of pods: a million are too long to be printed. */
const mostOfNamespace = 20_000;

/** `leftOut`: what is left out, in words. */
export function boundedByNamespace(
  uses: Iterable<Use>,
  isMeant: (use: Use) => boolean = () => true,
): { readonly kept: readonly Use[]; readonly leftOut: readonly string[] } {
  const counts = new Map<string, number>();
  const kept: Use[] = [];
  for (const use of uses) {
    if (!isMeant(use)) continue;
    const { namespace } = use.subject;
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    if (count <= mostOfNamespace) kept.push(use);
  }
  const leftOut = [...counts].flatMap(([namespace, count]) =>
    count > mostOfNamespace
      ? `${count - mostOfNamespace} more uses of identities in namespace ${namespace} are left out`
      : [],
  );
  return { kept, leftOut };
}

export async function entryOf(
  { subject, targets, isImpossible = false, needsRight, ...use }: Use,
  review: Reviews,
): Promise<UseEntry> {
  const right = needsRight ? await rightOn() : 'not-needed';
  return {
    ...use,
    serviceAccount: keyOf(subject),
    azure: targets.map(({ resource, names: [name] }) => `${resource}/${name}`),
    right,
    mayUse: mayUseBy({ mode: use.mode, right }),
  };

  async function rightOn(): Promise<Right> {
    if (targets.length === 0) return isImpossible ? 'refused' : 'unknown';
    const rights = (await Promise.all(targets.map((target) => review(subject, target)))).map(rightIn);
    return rights.find((one) => one === 'refused') ?? rights.find((one) => one === 'unknown') ?? 'allowed';
  }
}

/** Whoever has the right may use it in every mode, and whoever reaches the machine itself. */
function mayUseBy({ mode, right }: Pick<UseEntry, 'mode' | 'right'>): boolean | null {
  if (right === 'allowed' || right === 'not-needed') return true;
  if (mode !== 'rbac') return mode === null ? null : true;
  return right === 'unknown' ? null : false;
}
