// Which pod can be whom, of plain lists: by bindings, by exceptions, and by the host network.
import {
  machineTarget,
  type AccessMode,
  type AccessTarget,
  type AzureIdentity,
} from '@pod-identity/crd-types';
import { modeForIdentity, targetsOf } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { NodeFacts } from '../cluster/node.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { isExcepted } from '../judge/judge-identities.ts';
import { createMatching, recordsByPod } from '../judge/matching.ts';
import type { Rules } from '../rights/modes.ts';
import { rightIn, type Reviews, type Right } from '../rights/verdicts.ts';

export interface Use {
  readonly pod: PodRead;
  readonly by: string;
  /** Undefined: those of the machine. */
  readonly identity?: AzureIdentity;
  readonly targets: readonly AccessTarget[];
}

/** Machines first: bindings must not push out an entry for all identities of a machine. */
export function* usesIn(read: ClusterRead, rules: Rules): Generator<Use> {
  const matching = createMatching(read, rules);
  const exceptions = Map.groupBy(itemsOf(read.exceptions), ({ metadata }) => metadata.namespace);
  const targetsOn = new Map(itemsOf(read.nodes).map(({ name, host }) => [name, targetsOfHost(host)]));
  const pods = itemsOf(read.pods).filter(({ isFinished }) => !isFinished);
  for (const pod of pods) {
    const own = (exceptions.get(pod.namespace) ?? []).filter((one) => isExcepted(pod, one));
    const isMeant = own.length > 0 || matching.of(pod).matches.length > 0;
    const exempt = own.map(({ metadata }) => `AzurePodIdentityException ${keyOf(metadata)}`);
    const targets = targetsOn.get(pod.nodeName) ?? [];
    for (const by of pod.isOnHostNetwork ? ['host network'].filter(() => isMeant) : exempt)
      yield { pod, by, targets };
  }
  for (const pod of pods.filter(({ isOnHostNetwork }) => !isOnHostNetwork))
    for (const { identity } of matching.of(pod).matches) {
      const { targets } = targetsOf(identity);
      yield { pod, by: `AzureIdentity ${keyOf(identity.metadata)}`, identity, targets };
    }
}

function targetsOfHost(host: NodeFacts['host']): readonly AccessTarget[] {
  const target = host && machineTarget(host.id);
  return target?.ok === true ? [target.value] : [];
}

const types = ['managed', 'client-secret', 'certificate', 'federated'] as const;
/** Fields of the JSON. */
export type UseEntry = Awaited<ReturnType<ReturnType<typeof createEntries>>>;

export function createEntries(read: ClusterRead, rules: Rules, review: Reviews) {
  const { modeOf } = createMatching(read, rules);
  const recorded = recordsByPod(read);
  // Annotations of namespaces only make the mode stricter.
  const isModeKnown = rules.isKnown && (rules.mode === 'rbac' || read.namespaces.kind === 'read');
  const ofIdentity = (pod: PodRead, identity: AzureIdentity) => ({
    type: types[identity.spec.type],
    mode: isModeKnown || identity.spec.type === 3 ? modeForIdentity(identity, modeOf(pod.namespace)) : null,
    state: recorded.get(keyOf(pod))?.get(keyOf(identity.metadata))?.state ?? '',
  });
  const ofMachine = ({ namespace }: PodRead) =>
    ({ type: 'machine', mode: isModeKnown ? modeOf(namespace) : null, state: '' }) as const;
  return async (use: Use) => {
    const { pod, by, identity, targets } = use;
    const of = identity ? ofIdentity(pod, identity) : ofMachine(pod);
    const right = pod.isOnHostNetwork || of.mode === 'namespace' ? 'not-needed' : await rightOf(use, review);
    return {
      pod: keyOf(pod),
      serviceAccount: `${pod.namespace}/${pod.serviceAccount}`,
      node: pod.nodeName,
      by,
      azure: targets.map(({ resource, names: [name] }) => `${resource}/${name}`),
      right,
      mayUse: mayUseBy(of.mode, right),
      ...of,
    };
  };
}

async function rightOf({ pod, identity, targets }: Use, review: Reviews): Promise<Right> {
  // Nobody can be given the right on the identity, or the machine is not known.
  if (targets.length === 0) return identity ? 'refused' : 'unknown';
  const subject = { namespace: pod.namespace, name: pod.serviceAccount };
  const rights = (await Promise.all(targets.map((target) => review(subject, target)))).map(rightIn);
  return (['refused', 'unknown'] as const).find((one) => rights.includes(one)) ?? 'allowed';
}

/** Whoever has the right may use it in every mode. */
function mayUseBy(mode: AccessMode | null, right: Right | 'not-needed'): boolean | null {
  if (right === 'allowed' || right === 'not-needed' || mode === 'warn') return true;
  return mode === null || right === 'unknown' ? null : false;
}
