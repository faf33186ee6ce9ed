// A cluster and an Azure in memory with the real reconciler, which can be ended between any two steps.
import type { AzureAssignedIdentity, ResourceId } from '@pod-identity/crd-types';
import type { AccessReviewer, LeaderTerm } from '@pod-identity/kit/kube';
import type { Clock } from '@pod-identity/kit/core';
import { createFakeClock } from '@pod-identity/kit/testing';
import { PairRegistry } from '../../access/pair-registry.ts';
import { reviewPairs } from '../../access/pair-reviewer.ts';
import type { PlanRules } from '../../plan/types.ts';
import type { AssignedView, PodKey } from '../../snapshot/views.ts';
import { planRemoval } from '../../plan/plan.ts';
import * as build from '../../plan/test/builders.ts';
import { createReconciler } from '../../reconcile.ts';
import { ClusterIndex } from '../../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../../snapshot/index/rights.ts';
import type { PresentIdentity, RejectionCode } from '../../snapshot/facts/facts.ts';
import { factsFromRecord } from '../../snapshot/facts/host-facts.ts';
import { createAssignmentsApplier, type StepResult } from '../apply-assignments.ts';
import { HostChanger, type HostResult } from '../apply-host.ts';
import { AssignedIdentityWriter } from '../assigned-identity-writer.ts';
import type { HostIdentities } from '../host-identities.ts';
import type { HostFailure } from '../../snapshot/facts/outcomes.ts';
import { createHostQueue } from '../host-queue.ts';
import { Ledger, type ConfigMap, type SaveOutcome } from '../ledger.ts';
import { createHostMemory } from '../memory.ts';
import { Mirror } from '../mirror.ts';
import { createFakeResource, readerOf, type Gate } from './fake-kube.ts';
import { createFakeLog } from './fake-log.ts';

export const host = build.hostOf(build.instanceOf('vmss1'));
export const recordAfterMs = 2_000;
const quietMs = 25;
const debounceMs = 500;

export interface Crash {
  /** Number of the write: 1, 2, 3 … */
  readonly at: number;
  /** Whether that write still happens. Its response is lost in both cases. */
  readonly when: 'before' | 'after';
}

export interface FakeWorldOptions {
  readonly crash?: Crash;
  readonly crashes?: readonly Crash[];
  /** Another Azure than the default one; connected at the start of each term. */
  readonly azure?: (ports: { readonly clock: Clock; readonly gate: Gate }) => { connect(): HostIdentities };
  readonly rules?: Partial<PlanRules>;
  /** Mode `rbac`, with these reviews. */
  readonly reviewer?: AccessReviewer;
}

export type FakeWorld = ReturnType<typeof createFakeWorld>;

export function createFakeWorld({
  crash,
  crashes: more = [],
  azure: arm,
  rules = {},
  reviewer,
}: FakeWorldOptions = {}) {
  const crashPlan = crash ? [crash, ...more] : more;
  const clock = createFakeClock(build.now);
  const registry = new PairRegistry<AccessGroup>({ pairsPerNamespace: 100, recheckMs: 300_000 });
  const access = reviewer && ({ mode: 'rbac', registry } as const);
  const index = new ClusterIndex({ forceNamespaced: false }, access);
  const attached = new Map<ResourceId, PresentIdentity>();
  const writes: string[] = [];
  const gates: { hold?: Promise<void>; reading?: Promise<void> } = {};
  const azure = {
    rejecting: new Map<ResourceId, RejectionCode>(),
    refusal: undefined as HostFailure | undefined,
    spentUntil: 0,
    motion: {} as { provisioningState?: string },
  };
  let isDead = false;
  let beforeWrite: (name: string) => void = () => undefined;

  const gate: Gate = async (name, apply) => {
    await Promise.resolve();
    if (isDead) return new Promise(() => undefined);
    beforeWrite(name);
    writes.push(name);
    const end = crashPlan.find(({ at }) => at === writes.length);
    if (end) isDead = true;
    if (end?.when === 'before') return new Promise(() => undefined);
    const result = apply();
    return end ? new Promise(() => undefined) : result;
  };

  const assigned = createFakeResource<AzureAssignedIdentity>('assigned', gate);
  const configMaps = createFakeResource<ConfigMap>('record', gate);

  const identities: HostIdentities = {
    async read() {
      await gates.reading;
      return azure.refusal ?? { kind: 'read', present: new Map(attached), ...azure.motion };
    },
    async update(_host, change, context) {
      if (azure.refusal) return { rejected: [], refusal: azure.refusal, patches: 0 };
      const rejected = change.attach.flatMap((id) => {
        const code = azure.rejecting.get(id);
        return code === undefined ? [] : [{ id, code, message: `ARM says ${code}` }];
      });
      const attach = [...change.attach, ...change.renew].filter((id) => !azure.rejecting.has(id));
      const detach = change.detach.filter((id) => attached.has(id));
      if (attach.every((id) => attached.has(id)) && detach.length === 0)
        return { present: new Map(attached), rejected, patches: 0 };
      try {
        azure.spentUntil = Math.max(azure.spentUntil, context.spentUntil ?? 0, clock.now()) + 1_000;
        const attaching = attach.filter((id) => !attached.has(id));
        await context.beforePatch(attaching, azure.spentUntil);
      } catch {
        return { present: new Map(attached), rejected, refusal: { kind: 'aborted' }, patches: 0 };
      }
      await gate('PATCH', () => {
        for (const id of attach) attached.set(id, build.alive(id.slice(id.lastIndexOf('/') + 1)));
        for (const id of detach) attached.delete(id);
      });
      await gates.hold;
      return { present: new Map(attached), rejected, patches: 1 };
    },
  };

  const otherAzure = arm?.({ clock, gate });
  const startTerm = async () => {
    isDead = false;
    const ending = new AbortController();
    let holds = true;
    const term: LeaderTerm = { signal: ending.signal, holds: () => holds };
    const memory = createHostMemory();
    const now = () => clock.now();
    const ledger = new Ledger({ configMaps, namespace: 'mic', term, log: createFakeLog() });
    for (const record of await ledger.load()) memory.keep(factsFromRecord(record));
    const mirror = new Mirror(index, readerOf(assigned));
    const steps: StepResult[] = [];
    const hosts: HostResult[] = [];
    const planned: PodKey[] = [];
    const recordsNotSaved: SaveOutcome[] = [];
    const assignments = createAssignmentsApplier({
      mirror,
      memory,
      now,
      recordAfterMs,
      writesAtOnce: 20,
      writer: new AssignedIdentityWriter(assigned, term),
      signal: term.signal,
      report: (result) => void steps.push(result),
    });
    const reconciler = createReconciler({
      index,
      records: mirror,
      memory,
      now,
      rules: () => ({ ...build.rules, ...rules }),
      inTurn: (work) => Promise.resolve().then(work),
      azure: { poke: (on, how) => azureLane.poke(on, how) },
      onPass: () => undefined,
      onPlanned: (pods) => void planned.push(...pods),
      assignments,
      hosts: new HostChanger({
        identities: otherAzure?.connect() ?? identities,
        ledger,
        memory,
        term,
        now,
        random: () => 0.5,
        isNeeded: (on, id) => index.need(on).has(id),
        granted: (on) => index.granted(on).keys(),
        claimants: (id) => index.objects.claimants(id),
        report: (result) => void hosts.push(result),
        onRecordNotSaved: (_host, outcome) => void recordsNotSaved.push(outcome),
      }),
    });
    const lane = {
      clock,
      signal: term.signal,
      onCrash: (_host: string, problem: unknown) => crashes.push(problem),
      isGone: () => reconciler.isGone(host.id),
    };
    const crashes: unknown[] = [];
    const objects = createHostQueue({
      ...lane,
      quietMs,
      busyMs: quietMs,
      longestMs: quietMs,
      turn: () => reconciler.objects(host.id),
    });
    const azureLane = createHostQueue({
      ...lane,
      quietMs: debounceMs,
      busyMs: debounceMs,
      longestMs: 5_000,
      turn: async () => {
        const wakeAt = await reconciler.azure(host.id);
        objects.poke(host.id, { now: true });
        return wakeAt;
      },
    });
    /** As the sweep that follows each change. */
    const sweep = () => {
      index.settle();
      objects.poke(host.id);
    };
    mirror.onChange(sweep);
    await mirror.walk(term.signal);
    // The next one removes what nobody needs.
    const remove = (views: readonly AssignedView[]) =>
      assignments.apply(planRemoval(index, views), undefined, new Map());
    clock.after(10_000, () => void mirror.walk(term.signal, remove));
    index.markAllDirty();
    sweep();
    if (reviewer)
      void reviewPairs({
        registry,
        reviewer,
        term,
        clock,
        random: () => 0.5,
        log: createFakeLog(),
        proven: () => Promise.resolve(),
        onReview: () => undefined,
        onChanged(groups) {
          index.rightsChanged(groups);
          sweep();
        },
      });
    return {
      steps,
      hosts,
      planned,
      recordsNotSaved,
      memory,
      mirror,
      crashes,
      reconciler,
      poke: sweep,
      end() {
        holds = false;
        ending.abort(new Error('the term is over'));
      },
      /** The lease has expired before a timer fires. */
      lapse: () => (holds = false),
    };
  };

  return {
    clock,
    index,
    attached,
    writes,
    gates,
    azure,
    assigned,
    configMaps,
    startTerm,
    get isDead() {
      return isDead;
    },
    onWrite: (listener: (name: string) => void) => void (beforeWrite = listener),
    addNode: () => index.apply({ kind: 'node', key: 'node-0', view: build.node() }),
    addIdentity(name: string) {
      // In mode `rbac` the identity of another namespace would have to be offered.
      const at = reviewer && { namespace: 'shop' };
      const view = build.identity({ name, ...at });
      index.apply({ kind: 'identity', key: view.key, view });
      const binding = build.binding({ azureIdentity: name, selector: name, ...at });
      index.apply({ kind: 'binding', key: binding.key, view: binding });
    },
    addPod: (name: string, label: string) =>
      index.apply({ kind: 'pod', key: `shop/${name}`, view: build.pod({ name, label }) }),
    removePod: (name: string) => index.apply({ kind: 'pod', key: `shop/${name}`, view: undefined }),
    states: () =>
      [...assigned.objects.values()].map(({ spec, status }) => `${spec.pod}: ${status.status}`).sort(),
    records: () => [...configMaps.objects.values()].map(({ data }) => data?.['record.json'] ?? ''),
  };
}
