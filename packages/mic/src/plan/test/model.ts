// A small model of ARM, the AzureAssignedIdentities and MIC's memory, in plain maps, so that tests can check all of it.
// It executes a HostPlan in the documented order (record, attach, confirm, detach, delete) and can stop after any step.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostFacts, HostRecord, PresentIdentity, RejectionCode } from '../../snapshot/facts/facts.ts';
import {
  createFacts,
  factsFromRecord,
  foldExpiry,
  foldIdle,
  foldIntent,
  foldReading,
  foldRenewal,
  foldUpdate,
  isCarried,
  recordOf,
} from '../../snapshot/facts/host-facts.ts';
import { indexOf, type ClusterSnapshot } from '../../snapshot/test/cluster-snapshot.ts';
import { plan } from './cluster-plan.ts';
import type { Assignment, HostPlan } from '../types.ts';
import type { PlanAndMatchingRules } from './builders.ts';
import { keyOf, podOf } from '../../snapshot/keys.ts';
import type { AssignedView } from '../../snapshot/views.ts';

class Crash extends Error {}

export interface ModelOptions {
  readonly cluster: Omit<ClusterSnapshot, 'facts' | 'now' | 'assigned'>;
  readonly assigned: readonly AssignedView[];
  /** What hosts carry at the start, attached by others. */
  readonly foreign: ReadonlyMap<ResourceId, ReadonlyMap<ResourceId, PresentIdentity>>;
  /** Identities that exist in Azure, with the entry that a host gets. */
  readonly existing: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly rules: PlanAndMatchingRules;
}

export class Model {
  cluster: ModelOptions['cluster'];
  now = 1_700_000_000_000;
  readonly store = new Map<string, AssignedView>();
  readonly arm = new Map<ResourceId, Map<ResourceId, PresentIdentity>>();
  readonly foreign: ModelOptions['foreign'];
  readonly detached: { host: ResourceId; id: ResourceId }[] = [];
  patches = 0;
  writes = 0;
  readonly #existing: ModelOptions['existing'];
  readonly #rules: PlanAndMatchingRules;
  readonly #ledger = new Map<ResourceId, HostRecord>();
  #facts = new Map<ResourceId, HostFacts>();
  #stepsLeft = Infinity;

  constructor(options: ModelOptions) {
    this.cluster = options.cluster;
    this.foreign = options.foreign;
    this.#existing = options.existing;
    this.#rules = options.rules;
    for (const view of options.assigned) this.store.set(`${view.namespace}/${view.name}`, view);
    for (const [host, entries] of options.foreign) this.arm.set(host, new Map(entries));
  }

  snapshot(): ClusterSnapshot {
    return { ...this.cluster, assigned: [...this.store.values()], facts: this.#facts, now: this.now };
  }

  /** One pass over all hosts; a crash loses everything except the ledger, as for a new leader. */
  pass(crashAfter = Infinity): void {
    this.#stepsLeft = crashAfter;
    try {
      this.#foldIdle();
      for (const host of plan(this.snapshot(), this.#rules).hosts) this.#apply(host);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.#facts = new Map([...this.#ledger].map(([id, record]) => [id, factsFromRecord(record)]));
    }
  }

  isSettled(): boolean {
    return plan(this.snapshot(), this.#rules).hosts.length === 0;
  }

  factsOf(host: Host): HostFacts {
    return this.#facts.get(host.id) ?? createFacts(host);
  }

  #foldIdle(): void {
    const index = indexOf(this.snapshot(), this.#rules);
    for (const [id, facts] of this.#facts) {
      this.#facts.set(id, foldExpiry(foldIdle(facts, index.need(id), this.now), this.now));
    }
  }

  #step(): void {
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) throw new Crash();
  }

  #apply(plan: HostPlan): void {
    const { host } = plan;
    const carried = (id: ResourceId | undefined) =>
      id === undefined || (host !== undefined && isCarried(this.factsOf(host), id));
    const writes = plan.steps.flatMap((step) =>
      step.kind === 'create' || step.kind === 'update' ? step.assignment : [],
    );
    for (const assignment of writes)
      this.#write(assignment, carried(assignment.resourceId) ? 'Assigned' : 'Created');
    if (host) this.#change(host, plan);
    this.#confirm(plan, carried);
    for (const step of plan.steps) if (step.kind === 'delete') this.#remove(step.current);
  }

  #confirm({ steps }: HostPlan, carried: (id: ResourceId | undefined) => boolean): void {
    for (const step of steps) {
      if (step.kind === 'delete') continue;
      const held = this.store.get(`${step.assignment.objectNamespace}/${step.assignment.objectName}`);
      if (held?.state !== 'Assigned' && carried(step.assignment.resourceId))
        this.#write(step.assignment, 'Assigned');
    }
  }

  #remove(view: AssignedView): void {
    this.#step();
    this.writes += 1;
    this.store.delete(`${view.namespace}/${view.name}`);
  }

  #write(assignment: Assignment, state: 'Created' | 'Assigned'): void {
    this.#step();
    this.writes += 1;
    const { pod, identity, binding, resourceId } = assignment;
    const key = `${assignment.objectNamespace}/${assignment.objectName}`;
    const there = this.store.get(key);
    // As by the API server: what another pod has written since the plan is not replaced.
    if (there && podOf(there) !== keyOf(pod)) return;
    this.store.set(key, {
      namespace: assignment.objectNamespace,
      name: assignment.objectName,
      uid: assignment.objectName,
      resourceVersion: String(this.writes),
      podNamespace: pod.namespace,
      podName: pod.name,
      podUid: pod.uid,
      nodeName: pod.nodeName,
      identity: `${identity.metadata.namespace ?? ''}/${identity.metadata.name}`,
      binding: `${binding.metadata.namespace ?? ''}/${binding.metadata.name}`,
      meaning: assignment.meaning,
      ...(resourceId !== undefined && { resourceId }),
      state,
      hasFinalizer: false,
    });
  }

  /** Reads the host, records what it will attach, sends one PATCH, and folds the result. */
  #change(host: Host, { attach, renew, detach, read }: HostPlan): void {
    if (!read && attach.length + renew.length + detach.length === 0) return;
    const entries = this.arm.get(host.id) ?? new Map<ResourceId, PresentIdentity>();
    this.arm.set(host.id, entries);
    const fresh = attach.filter((id) => !entries.has(id));
    const gone = detach.filter((id) => entries.has(id));
    const at = { now: this.now, chance: 0.5 };
    this.#keep(foldReading(this.factsOf(host), { kind: 'read', present: new Map(entries) }, at));
    // Entries that cannot be attached again are not removed.
    const renewed = renew.filter((id) => this.#existing.has(id));
    if (fresh.length + renewed.length + gone.length === 0) {
      this.#reject(host, renew);
      return;
    }
    this.#keep(foldRenewal(foldIntent(this.factsOf(host), fresh, this.now), renewed, this.now));
    this.#record(host);
    this.#step();
    this.patches += 1;
    const wanted = [...fresh, ...renew];
    for (const id of [...gone, ...renewed]) entries.delete(id);
    this.detached.push(...gone.map((id) => ({ host: host.id, id })));
    if (renewed.length > 0) this.#step();
    for (const id of wanted) {
      const entry = this.#existing.get(id);
      if (entry) entries.set(id, entry);
    }
    this.#step();
    const rejected = this.#rejections(wanted);
    const outcome = { present: new Map(entries), rejected, patches: 1 };
    this.#keep(foldUpdate(this.factsOf(host), { change: { attach, renew, detach }, outcome }, at));
    this.#record(host);
  }

  #rejections(ids: readonly ResourceId[]) {
    const code: RejectionCode = 'FailedIdentityOperation';
    return ids.filter((id) => !this.#existing.has(id)).map((id) => ({ id, code, message: 'unknown' }));
  }

  #reject(host: Host, ids: readonly ResourceId[]): void {
    if (ids.length === 0) return;
    const outcome = { rejected: this.#rejections(ids), patches: 0 };
    const change = { attach: [], renew: ids, detach: [] };
    this.#keep(foldUpdate(this.factsOf(host), { change, outcome }, { now: this.now, chance: 0.5 }));
  }

  /** Ids that the ledger records as MIC's own. */
  ownedOn(host: ResourceId): readonly ResourceId[] {
    return [...(this.#ledger.get(host)?.ours.keys() ?? [])];
  }

  #keep(facts: HostFacts): void {
    this.#facts.set(facts.host.id, facts);
  }

  #record(host: Host): void {
    this.#step();
    this.#ledger.set(host.id, recordOf(this.factsOf(host)));
  }
}
