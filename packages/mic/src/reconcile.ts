// One pass over one host: look, decide, act. The objects in the API server and the host in Azure are two lanes: the first never
// waits for the second, and the results of the second are an input of the next pass of the first.
import type { ResourceId } from '@pod-identity/crd-types';
import type { AssignmentsApplier } from './apply/apply-assignments.ts';
import { Backlog, type BacklogMoment } from './apply/backlog.ts';
import { isHeldBack, type HostChanger } from './apply/apply-host.ts';
import type { HostQueue } from './apply/host-queue.ts';
import type { HostMemory } from './apply/memory.ts';
import type { TimeSlices } from './apply/time-slices.ts';
import { planAzure, planHost, type PlanMoment } from './plan/plan.ts';
import { saysWaiting, type Known } from './plan/records.ts';
import type { HostPlan, PlanRules } from './plan/types.ts';
import { isEmptyRecord } from './snapshot/facts/host-record.ts';
import type { HostKey } from './snapshot/index/host-groups.ts';
import type { HostFacts } from './snapshot/facts/facts.ts';
import { foldExpiry, foldIdle } from './snapshot/facts/host-facts.ts';
import type { PodKey } from './snapshot/views.ts';
import type { Turns } from './term/host-queues.ts';

export interface ReconcilePorts extends Known {
  readonly memory: HostMemory;
  readonly rules: () => PlanRules;
  readonly slices: TimeSlices;
  readonly now: () => number;
  readonly assignments: Pick<AssignmentsApplier, 'apply'>;
  readonly hosts: Pick<HostChanger, 'apply'>;
  /** Queue of the second lane, which reads and changes hosts in Azure. */
  readonly azure: Pick<HostQueue, 'poke'>;
  /** Called after each pass with steps, with its duration. */
  readonly onPass: (ms: number) => void;
  /** Called with the pods that were planned, so that pods without an identity are told why. */
  readonly onPlanned: (pods: readonly PodKey[]) => void;
}

/** Pods planned in one pass: takes a few milliseconds. */
const podsPerPass = 500;

interface Remainder {
  readonly backlog: Backlog;
  /** The ids of the last request for a turn in Azure: only new ids are worth a wait for more. */
  noted: ReadonlySet<string>;
}

export function createReconciler(ports: ReconcilePorts): Turns {
  const { index, memory, slices, now, assignments } = ports;
  const remainders = new Map<HostKey, Remainder>();

  const factsOf = (host: HostKey) => (host === undefined ? undefined : memory.facts(host));

  /** Plans and writes a portion of the backlog. A crash, which is a bug, must not lose its pods. */
  const takePortion = async (host: HostKey, left: Remainder) => {
    const { backlog } = left;
    let pods: readonly PodKey[] = [];
    try {
      const isRecordOver = endsRecord(factsOf(host), now());
      const { isChanged, held, plan } = await slices.run(() => {
        const isDirty = index.isDirty(host);
        const portion = backlog.take(index.takeDirty(host), momentOf(ports, host));
        pods = portion.pods;
        const moment = { ...look(ports, host), dirtyPods: pods };
        return { isChanged: isDirty, held: portion.held, plan: planHost(index, host, moment) };
      });
      left.noted = requestAzureTurn(ports, plan, left.noted);
      if (isRecordOver && plan.host) ports.azure.poke(plan.host.id);
      const done = await assignments.apply(plan, factsOf(host), held);
      backlog.settle(done, waitingOn(ports, pods, host));
      return { pods, plan, isChanged };
    } catch (error) {
      backlog.restore(pods, now());
      throw error;
    }
  };

  return {
    async objects(host) {
      const startedAt = now();
      const left = remainders.get(host) ?? { backlog: new Backlog(podsPerPass), noted: new Set<string>() };
      const { backlog } = left;
      remainders.set(host, left);
      const { pods, plan, isChanged } = await takePortion(host, left);
      // Kept with objects that wait, since it has the state of the host at their last plan: a new one would plan them with each pass.
      if (backlog.isEmpty && left.noted.size === 0) remainders.delete(host);
      if (plan.steps.length > 0) ports.onPass(now() - startedAt);
      ports.onPlanned(pods);
      if (isChanged && isLeftBehind(ports, host)) ports.azure.poke(host);
      return backlog.hasMore ? now() : earliest(plan.wakeAt, backlog.wakeAt);
    },

    azure: (host) => changeHost(ports, host),
    isGone: (host) => host !== undefined && index.host(host) === undefined && !memory.facts(host),
  };
}

async function changeHost(ports: ReconcilePorts, host: HostKey): Promise<number | undefined> {
  const { index, memory, slices, hosts } = ports;
  const plan = await slices.run(() => {
    const { facts, ...moment } = look(ports, host);
    return facts && planAzure(index, facts, moment);
  });
  const wakeAt = plan && (await hosts.apply(plan));
  // Its empty record was saved; a node that comes back starts with the same facts.
  if (wakeAt === undefined && isLeftBehind(ports, host)) memory.forget(host);
  return wakeAt;
}

/** Whether the host has no node, and a record that says nothing. */
function isLeftBehind({ index, memory }: ReconcilePorts, host: HostKey): host is ResourceId {
  const facts = host === undefined ? undefined : memory.facts(host);
  return facts !== undefined && index.host(facts.host.id) === undefined && isEmptyRecord(facts);
}

function look({ index, records, memory, now, rules }: ReconcilePorts, host: HostKey): PlanMoment {
  const moment = { now: now(), rules: rules(), records };
  const known = host === undefined ? undefined : (index.host(host) ?? memory.facts(host)?.host);
  if (host === undefined || !known) return { ...moment, facts: undefined };
  const before = memory.factsFromStart(known);
  const facts = foldIdle(foldExpiry(before, moment.now), index.need(host), moment.now);
  memory.keep(facts);
  return { ...moment, facts };
}

function momentOf(ports: ReconcilePorts, host: HostKey): BacklogMoment {
  const { memory, now } = ports;
  return {
    now: now(),
    facts: host === undefined ? undefined : memory.facts(host),
    ...(host !== undefined && { leaving: memory.leaving(host) }),
    weigh: (pod) => weightOf(ports, pod),
  };
}

/** The number of writes that a pod may need, estimated. */
function weightOf({ index, records }: Known, key: PodKey): number {
  const pod = index.pod(key);
  const wanted = pod ? index.matchSetOf(pod).matches.length : 0;
  return Math.max(1, wanted, records.of(key).length);
}

/** Those whose records wait for a change of the host. */
function waitingOn({ index, records }: Known, pods: readonly PodKey[], host: HostKey): PodKey[] {
  return pods.filter((pod) => index.homeOf(pod) === host && records.of(pod).some(saysWaiting));
}

/** Requests a turn of the host in Azure if something can be done there now. Returns the ids concerned. */
function requestAzureTurn(
  ports: ReconcilePorts,
  plan: HostPlan,
  noted: ReadonlySet<string>,
): ReadonlySet<string> {
  const wanted = [...plan.attach, ...(plan.again ?? []), ...plan.renew, ...plan.detach];
  const isNeeded = plan.read || wanted.length > 0;
  if (!plan.host || !isNeeded || isHeldBack(plan, ports.now())) return new Set(wanted);
  if (ports.memory.isUnderWay(plan.host.id, wanted)) return new Set(wanted);
  const isUnread = ports.memory.facts(plan.host.id)?.present === undefined;
  ports.azure.poke(plan.host.id, { more: wanted.some((id) => !noted.has(id)), now: isUnread });
  return new Set(wanted);
}

/** Whether the record has just become empty by expiry: this must be written even if nothing else is to be done. */
function endsRecord(facts: HostFacts | undefined, now: number): boolean {
  return facts !== undefined && !isEmptyRecord(facts) && isEmptyRecord(foldExpiry(facts, now));
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
