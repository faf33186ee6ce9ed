// The plan of a cluster: the plans of all its hosts. For tests and benchmarks.
import { indexOf, type ClusterSnapshot } from '../../snapshot/test/cluster-snapshot.ts';
import { skipsOf } from '../desired.ts';
import { planHost } from '../plan.ts';
import type { HostPlan, PlanRules, Skip } from '../types.ts';

export interface Plan {
  /** Only hosts with something to do, ordered by id; nodes without a host come first. */
  readonly hosts: readonly HostPlan[];
  readonly skips: readonly Skip[];
  /** The earliest of all hosts, also of those with nothing to do. */
  readonly wakeAt?: number;
}

export function plan(snapshot: ClusterSnapshot, rules: PlanRules): Plan {
  const index = indexOf(snapshot, rules);
  const { now } = snapshot;
  const ids = new Set([...Array.from(index.hosts(), ({ id }) => id), ...snapshot.facts.keys()]);
  const hosts = [undefined, ...[...ids].sort()].map((key) => {
    const facts = key === undefined ? undefined : snapshot.facts.get(key);
    return planHost(index, key, { facts, now, rules });
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
