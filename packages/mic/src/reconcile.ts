// One pass over one host: look, decide, act. The objects of the API server and the host in Azure are two lanes: the
// first never waits for the second, and what the second brings home is one more thing for the first to look at.
import type { AssignmentsApplier } from './apply/apply-assignments.ts';
import { Backlog } from './apply/backlog.ts';
import { isHeldBack, type HostApplier } from './apply/apply-host.ts';
import type { HostQueue } from './apply/host-queue.ts';
import type { HostMemory } from './apply/memory.ts';
import type { TimeSlices } from './apply/time-slices.ts';
import { planHost } from './plan/plan.ts';
import type { HostPlan, PlanRules } from './plan/types.ts';
import type { ClusterIndex } from './snapshot/index/cluster-index.ts';
import { isEmptyRecord } from './snapshot/facts/host-record.ts';
import type { HostKey } from './snapshot/index/host-groups.ts';
import { namespaceOf } from './snapshot/keys.ts';
import type { HostFacts } from './snapshot/facts/facts.ts';
import { foldExpiry, foldIdle } from './snapshot/facts/host-facts.ts';
import type { PodKey } from './snapshot/views.ts';

export interface ReconcilePorts {
  readonly index: ClusterIndex;
  readonly memory: HostMemory;
  readonly rules: () => PlanRules;
  readonly slices: TimeSlices;
  readonly now: () => number;
  readonly assignments: AssignmentsApplier;
  readonly hosts: HostApplier;
  /** Its turns read and change hosts in Azure. */
  readonly azure: Pick<HostQueue, 'poke'>;
  /** A pass that had work to do is over. */
  readonly onPass: (ms: number) => void;
  /** These pods were looked at: the moment to tell those that get nothing why. */
  readonly onPlanned: (pods: readonly PodKey[]) => void;
}

export interface Reconciler {
  /** Plans the dirty pods of a host and writes what can be written. Returns when to come back. */
  objects(host: HostKey): Promise<number | undefined>;
  /** Plans the host as a whole and changes it. Returns when to come back. */
  azure(host: HostKey): Promise<number | undefined>;
}

/** So many pods are planned in one go: a few milliseconds. */
const podsPerPass = 500;

interface Remainder {
  readonly backlog: Backlog;
  /** What Azure was asked for last: only what is new is worth waiting for more of it. */
  asked: ReadonlySet<string>;
}

export function createReconciler(ports: ReconcilePorts): Reconciler {
  const { index, memory, slices, now, assignments, hosts } = ports;
  const remainders = new Map<HostKey, Remainder>();

  const accounting = {
    weigh: (pod: PodKey) => weightOf(index, pod),
    chargeTo: (pod: PodKey) => whosePod(index, pod),
  };
  const factsOf = (host: HostKey) => (host === undefined ? undefined : memory.facts(host));

  const lookAndDecide = (host: HostKey, dirtyPods: Iterable<PodKey>): HostPlan => {
    const known = host === undefined ? undefined : (index.host(host) ?? memory.facts(host)?.host);
    if (host === undefined || !known)
      return planHost(index, host, { facts: undefined, now: now(), rules: ports.rules(), dirtyPods });
    const before = memory.factsFromStart(known);
    const facts = foldIdle(foldExpiry(before, now()), index.need(host), now());
    memory.keep(facts);
    return planHost(index, host, { facts, now: now(), rules: ports.rules(), dirtyPods });
  };

  return {
    async objects(host) {
      const startedAt = now();
      const left = remainders.get(host) ?? { backlog: new Backlog(podsPerPass), asked: new Set<string>() };
      const { backlog } = left;
      const at = { now: startedAt, facts: factsOf(host), ...accounting };
      const { pods, held } = backlog.take(index.takeDirty(host), at);
      const isRecordOver = endsRecord(factsOf(host), startedAt);
      const plan = await slices.run(() => lookAndDecide(host, pods));
      left.asked = ask(ports, plan, left.asked);
      if (isRecordOver && plan.host) ports.azure.poke(plan.host.id);
      const facts = factsOf(host);
      const done = await assignments.apply(plan, facts, held);
      backlog.settle(done, facts);
      if (backlog.isEmpty && left.asked.size === 0) remainders.delete(host);
      else remainders.set(host, left);
      if (plan.steps.length > 0) ports.onPass(now() - startedAt);
      ports.onPlanned(pods);
      return backlog.hasMore ? now() : earliest(plan.wakeAt, backlog.wakeAt);
    },

    async azure(key) {
      const plan = await slices.run(() => lookAndDecide(key, []));
      const { host } = plan;
      return host ? hosts.apply({ ...plan, host }) : undefined;
    },
  };
}

/** The writes that a pod may come to. */
function weightOf(index: ClusterIndex, key: PodKey): number {
  const pod = index.pod(key);
  const wanted = pod ? index.matchSetOf(pod).matches.length : 0;
  return Math.max(1, wanted, index.assignedOf(key).length);
}

/** An object that names a pod which isn't there may be anybody's: removing it is a matter of the namespace that it is in. */
function whosePod(index: ClusterIndex, key: PodKey): string {
  const stray = index.pod(key) ? undefined : index.assignedOf(key)[0];
  return stray?.namespace ?? namespaceOf(key);
}

/** Asks for a turn of the host in Azure if there is anything to be done there now. Returns what for. */
function ask(ports: ReconcilePorts, plan: HostPlan, asked: ReadonlySet<string>): ReadonlySet<string> {
  const wanted = [...plan.attach, ...(plan.again ?? []), ...plan.renew, ...plan.detach];
  const isNeeded = plan.read || wanted.length > 0;
  if (!plan.host || !isNeeded || isHeldBack(plan, ports.now())) return new Set(wanted);
  const isUnread = ports.memory.facts(plan.host.id)?.present === undefined;
  ports.azure.poke(plan.host.id, { more: wanted.some((id) => !asked.has(id)), now: isUnread });
  return new Set(wanted);
}

/** Time has settled the last of what was on record: that is to be written down, even if there is nothing else to do. */
function endsRecord(facts: HostFacts | undefined, now: number): boolean {
  return facts !== undefined && !isEmptyRecord(facts) && isEmptyRecord(foldExpiry(facts, now));
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
