// Which pods may act as which identities, and the records of it, over plain lists.
import {
  bindingLabelOf,
  hasOwnConditions,
  hostName,
  machineTarget,
  matchingRulesIn,
  matchPod,
  selectsPod,
  strictestMode,
  type AccessMode,
  type AzureIdentity,
  type AzureIdentityBinding,
  type Host,
  type MatchResult,
  type Mismatch,
} from '@pod-identity/crd-types';
import { copiesFor, modeForIdentity, targetsOf, type Lookup } from '@pod-identity/policy';
import type { Rules } from '../rights/modes.ts';
import type { Pair } from '../rights/verdicts.ts';
import { saysAssigned, type AssignedView } from '../../../mic/src/commands/plug-in.ts';
import { mayHaveExceptions } from '../../../nmi/src/commands/plug-in.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { configsOf } from '../cluster/services.ts';
import { isExcepted } from './judge-identities.ts';

export type Matching = ReturnType<typeof createMatching>;

export function createMatching(read: ClusterRead, rules: Rules) {
  const identities = identitiesIn(read);
  const bindings = bindingsIn(read);
  const bySelector = Map.groupBy(bindings, ({ spec }) => spec.selector);
  const byNamespace = groupedByNamespace(bindings);
  const conditional = groupedByNamespace(bindings.filter(hasOwnConditions));
  const namespaces = new Map(itemsOf(read.namespaces).map((view) => [view.name, view]));
  const modeOf = (namespace: string) => strictestMode(rules.mode, namespaces.get(namespace)?.access);
  const match = (pod: PodRead): MatchResult =>
    matchPod({
      bindingsWithSelector: (value) => bySelector.get(value) ?? [],
      bindingsWithConditions: (namespace) => conditional.get(namespace) ?? [],
      pod,
      identityOf: (namespace, name) => identities.get(`${namespace}/${name}`),
      namespaceLabels: namespaces.get(pod.namespace)?.labels,
      rules: matchingRulesIn(modeOf(pod.namespace), { forceNamespaced: rules.forceNamespaced }),
    });
  const namedBy = ({ identity = '', binding }: Omit<Mismatch, 'reason'>) =>
    [identities.get(identity), bindings.find(({ metadata }) => keyOf(metadata) === binding)] as const;
  const known = new Map<PodRead, MatchResult>();
  const hosts = new Map(itemsOf(read.nodes).map(({ name, host }) => [name, host]));
  return {
    modeOf,
    of(pod: PodRead): MatchResult {
      const result = known.get(pod) ?? match(pod);
      known.set(pod, result);
      return result;
    },
    /** Its short name; empty if it is not known. */
    hostOf({ nodeName }: PodRead): string {
      const host = hosts.get(nodeName);
      return host === undefined ? '' : hostName(host);
    },
    isExempt: exemptIn(read, modeOf),
    /** Whether it is to have an identity, as the pod or a binding says. */
    isMeant: (pod: PodRead) =>
      bindingLabelOf(pod) !== undefined ||
      (byNamespace.get(pod.namespace) ?? []).some((one) => selectsPod(one, pod)),
    lookupOf: ({ namespace }: PodRead, { reason, ...of }: Mismatch): Lookup => ({
      selectors: (byNamespace.get(namespace) ?? []).map(({ spec }) => spec.selector).filter(Boolean),
      copies: reason === 'other-namespace' ? copiesFor(namespace, ...namedBy(of)) : undefined,
    }),
    ...requestsIn(modeOf, ({ nodeName }) => hosts.get(nodeName)),
  };
}

const identitiesIn = ({ identities }: ClusterRead) =>
  new Map(
    itemsOf(identities).flatMap(({ view }) =>
      view.kind === 'valid' ? [[view.key, view.identity] as const] : [],
    ),
  );

const bindingsIn = (read: ClusterRead) =>
  itemsOf(read.bindings).flatMap(({ view }) => (view.kind === 'valid' ? [view.binding] : []));

const groupedByNamespace = (bindings: readonly AzureIdentityBinding[]) =>
  Map.groupBy(bindings, ({ metadata }) => metadata.namespace ?? '');

/** As NMI decides it. */
function exemptIn(read: ClusterRead, modeOf: (namespace: string) => AccessMode): (pod: PodRead) => boolean {
  const exceptions = Map.groupBy(itemsOf(read.exceptions), ({ metadata }) => metadata.namespace ?? '');
  const exceptionNamespaces = configsOf(read.services.nmi)[0]?.exceptionNamespaces ?? new Set<string>();
  return (pod) =>
    mayHaveExceptions(pod, modeOf(pod.namespace), { exceptionNamespaces }) &&
    (exceptions.get(pod.namespace) ?? []).some((one) => isExcepted(pod, one));
}

/** None where rights don't decide. */
const requestsIn = (
  modeOf: (namespace: string) => AccessMode,
  hostOf: (pod: PodRead) => Host | undefined,
) => ({
  requests(pod: PodRead, identity: AzureIdentity): readonly Pair[] {
    if (modeForIdentity(identity, modeOf(pod.namespace)) !== 'rbac') return [];
    return targetsOf(identity).targets.map((target) => ({ subject: accountOf(pod), target }));
  },
  /** Of an exempt pod. */
  machineRequests(pod: PodRead): readonly Pair[] {
    const target = machineTarget(hostOf(pod)?.id ?? '');
    if (!target.ok || modeOf(pod.namespace) !== 'rbac') return [];
    return [{ subject: accountOf(pod), target: target.value }];
  },
});

const accountOf = ({ namespace, serviceAccount: name }: PodRead) => ({ namespace, name });

export const recordsByPod = ({
  records,
}: ClusterRead): ReadonlyMap<string, ReadonlyMap<string, AssignedView>> =>
  new Map(
    [
      ...Map.groupBy(
        itemsOf(records),
        ({ podNamespace: namespace, podName: name }) => `${namespace}/${name}`,
      ),
    ].map(([pod, views]) => [pod, new Map(views.map((view) => [view.identity, view]))]),
  );

/** NMI asks for records by their label. */
export const isAssigned = (record: AssignedView | undefined): boolean =>
  record !== undefined && record.isMislabelled !== true && saysAssigned(record);
