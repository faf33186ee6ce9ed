// The plan of a cluster: the plans of all its hosts. For tests and benchmarks.
import type { ClusterChange, ClusterIndex } from '../../snapshot/index/cluster-index.ts';
import type { HostKey } from '../../snapshot/index/host-groups.ts';
import { keyOf, podOf } from '../../snapshot/keys.ts';
import { indexOf, type ClusterSnapshot } from '../../snapshot/test/cluster-snapshot.ts';
import type { AssignedView, PodKey } from '../../snapshot/views.ts';
import { skipsOf } from '../desired.ts';
import { planHost } from '../plan.ts';
import { Records } from '../records.ts';
import type { HostPlan, Skip } from '../types.ts';
import type { PlanAndMatchingRules } from './builders.ts';

export interface Plan {
  /** Only hosts with something to do, ordered by id; nodes without a host come first. */
  readonly hosts: readonly HostPlan[];
  readonly skips: readonly Skip[];
  /** The earliest of all hosts, also of those with nothing to do. */
  readonly wakeAt?: number;
}

export function plan(snapshot: ClusterSnapshot, rules: PlanAndMatchingRules): Plan {
  const { index, records } = knownOf(snapshot, rules);
  const { now } = snapshot;
  const ids = new Set([...Array.from(index.hosts(), ({ id }) => id), ...snapshot.facts.keys()]);
  const hosts = [undefined, ...[...ids].sort()].map((key) => {
    const facts = key === undefined ? undefined : snapshot.facts.get(key);
    const dirtyPods = podsWith({ index, records }, key);
    return planHost(index, key, { facts, now, rules, records, dirtyPods });
  });
  const wakes = hosts.flatMap(({ wakeAt }) => wakeAt ?? []);
  const keys = Array.from(snapshot.pods, ({ namespace, name }) => `${namespace}/${name}`).sort();
  return {
    hosts: hosts.filter((host) => !isIdle(host)),
    skips: keys.flatMap((key) => skipsOf(index, key)),
    ...(wakes.length > 0 && { wakeAt: Math.min(...wakes) }),
  };
}

/** Whether there is nothing to do now. */
export function isIdle({ attach, again = [], renew, detach, read, steps }: HostPlan): boolean {
  return !read && attach.length + again.length + renew.length + detach.length + steps.length === 0;
}

export function knownOf(
  snapshot: ClusterSnapshot,
  rules: { readonly forceNamespaced: boolean },
): { readonly index: ClusterIndex; readonly records: Records } {
  const records = new Records();
  for (const view of snapshot.assigned) records.set(keyOf(view), view);
  return { index: indexOf(snapshot, rules), records };
}

/** The pods on the host, and those that are gone and have records there. */
export function podsWith({ index, records }: ReturnType<typeof knownOf>, host: HostKey): PodKey[] {
  const pods = new Set(records.keys().flatMap((key) => podOf(records.at(key)!)));
  const isHere = (pod: PodKey) => {
    const [first] = records.of(pod).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return !index.pod(pod) && first !== undefined && index.nodeHost(first.nodeName).host?.id === host;
  };
  return [...index.podKeysOn(host), ...[...pods].filter(isHere)];
}

export type Change =
  | ClusterChange
  | { readonly kind: 'assigned'; readonly key: string; readonly view: AssignedView | undefined };

/** As by the watches, and by MIC's reads of records. */
export function applyTo({ index, records }: ReturnType<typeof knownOf>, change: Change): void {
  if (change.kind !== 'assigned') {
    index.apply(change);
    return;
  }
  const { key, view } = change;
  const before = records.at(key);
  records.set(key, view);
  for (const record of [before, view]) if (record) index.recordChanged(record);
}
