// Room: the cluster in memory, indexed for the questions of plans, changed by one object at a time.
// It must not do I/O or read a clock.
//
// The cluster in memory, indexed for the questions that plans ask. It takes one change at a time, at a cost that depends
// on the change and not on the size of the cluster. Pure in that it does no I/O and knows no time; it is mutable.
import type { Host, MatchingRules, ResourceId } from '@pod-identity/crd-types';
import type { AssignedView, NodeView, PodView, BindingView, IdentityView, PodKey } from '../views.ts';
import { Concern } from './concern.ts';
import { Dirt } from './dirt.ts';
import { HostGroups, type HostKey, type Place } from './host-groups.ts';
import { namespaceOf } from '../keys.ts';
import { Matching, type Changed, type MatchSet } from './matching.ts';
import { NeedCounts } from './need-counts.ts';
import { nothingCounted, PodEntries, type Counted, type Entry } from './pod-entries.ts';

/** `key` is `namespace/name`, or the name of a node. Without a view the object is gone. */
export type ClusterChange =
  | { readonly kind: 'pod'; readonly key: PodKey; readonly view: PodView | undefined }
  | { readonly kind: 'node'; readonly key: string; readonly view: NodeView | undefined }
  | { readonly kind: 'identity'; readonly key: string; readonly view: IdentityView | undefined }
  | { readonly kind: 'binding'; readonly key: string; readonly view: BindingView | undefined }
  | { readonly kind: 'assigned'; readonly key: string; readonly view: AssignedView | undefined };

/** What has a share for each namespace. */
export type SharedKind = 'AzureIdentity' | 'AzureIdentityBinding';

export interface LeftOutSource {
  of(kind: SharedKind | 'AzureAssignedIdentity', namespace: string): boolean;
  has(kind: SharedKind, key: string): boolean;
}

export class ClusterIndex {
  readonly #pods = new PodEntries();
  readonly #assigned = new Map<string, AssignedView>();
  readonly #groups = new HostGroups();
  readonly #matching: Matching;
  readonly #needs = new NeedCounts();
  readonly #uses = new NeedCounts<string>();
  readonly #dirt = new Dirt();
  readonly #concern: Concern;
  readonly rules: MatchingRules;
  #leftOut: LeftOutSource = { of: () => false, has: () => false };

  constructor(rules: MatchingRules) {
    this.rules = rules;
    this.#matching = new Matching(rules);
    this.#concern = new Concern(this.#matching);
  }

  apply(change: ClusterChange): void {
    switch (change.kind) {
      case 'pod':
        this.#setPod(change.key, change.view);
        break;
      case 'node':
        this.#setNode(change.key, change.view);
        break;
      case 'identity':
        this.#resettle(this.#matching.setIdentity(change.key, change.view));
        this.#concern.identityChanged(change.key);
        break;
      case 'binding':
        this.#resettle(this.#matching.setBinding(change.key, change.view));
        this.#concern.bindingChanged(change.key);
        break;
      case 'assigned':
        this.#setAssigned(change.key, change.view);
        break;
    }
  }

  /** Set by the view that feeds the index: it knows what its watches leave out. */
  set leftOutBy(source: LeftOutSource) {
    this.#leftOut = source;
  }

  /** Whether objects of the namespace are left out because they are more than its share. */
  leavesOut(kind: SharedKind | 'AzureAssignedIdentity', namespace: string): boolean {
    return this.#leftOut.of(kind, namespace);
  }

  /** Whether this object is one of those, as far as they are named. */
  isLeftOut(kind: SharedKind, key: string): boolean {
    return this.#leftOut.has(kind, key);
  }

  // What has changed since it was last asked.

  dirtyHosts(): Iterable<HostKey> {
    return this.#dirt.hosts();
  }

  /** The pods of a host to be looked at again, which are clean from now on. */
  takeDirty(host: HostKey): ReadonlySet<PodKey> {
    return this.#dirt.take(host);
  }

  /** For pods whose steps were not all taken. */
  markDirty(pods: Iterable<PodKey>): void {
    for (const key of pods) {
      const entry = this.#pods.get(key);
      if (entry) this.#dirt.mark(entry.home, key);
    }
  }

  /** Nothing is taken for granted: a new term begins. Conditions are judged again as well. */
  markAllDirty(): void {
    for (const { id } of this.#groups.hosts()) this.#dirt.touch(id);
    this.markDirty(this.#pods.keys());
    this.#concern.allChanged();
  }

  /** Identities and bindings whose condition may be another one since this was last asked. */
  takeConcerned(): { readonly identities: ReadonlySet<string>; readonly bindings: ReadonlySet<string> } {
    return this.#concern.take();
  }

  /** Identities whose condition may be another one when the facts of this host change. */
  concernedBy(host: ResourceId): ReadonlySet<string> {
    return new Set(this.#uses.of(host).keys());
  }

  // What there is.

  pod(key: PodKey): PodView | undefined {
    return this.#pods.get(key)?.pod;
  }

  hasPodsIn(namespace: string): boolean {
    return this.#pods.hasPodsIn(namespace);
  }

  /** Everything that is planned together with this host, pods that are gone but for their assignments included. */
  *podKeysOn(host: HostKey): Generator<PodKey> {
    const nodes = host === undefined ? this.#hostlessNodes() : this.#groups.nodesOf(host);
    for (const node of nodes) for (const { key } of this.#pods.on(node)) yield key;
  }

  /** Pods with an assignment in a state that does not last (Created, Unassigned). */
  waitingOn(host: HostKey): ReadonlySet<PodKey> {
    return this.#pods.waitingOn(host);
  }

  /** Where the pod is planned. */
  homeOf(key: PodKey): HostKey {
    return this.#pods.get(key)?.home;
  }

  assigned(key: string): AssignedView | undefined {
    return this.#assigned.get(key);
  }

  assignedOf(pod: PodKey): readonly AssignedView[] {
    return this.#pods.get(pod)?.assigned.list ?? [];
  }

  identity(key: string): IdentityView | undefined {
    return this.#matching.identity(key);
  }

  identitiesFor(id: ResourceId): ReadonlySet<string> {
    return this.#matching.identitiesFor(id);
  }

  /** The namespaces of those identities. */
  claimants(id: ResourceId): readonly string[] {
    return [...new Set(Array.from(this.identitiesFor(id), namespaceOf))];
  }

  binding(key: string): BindingView | undefined {
    return this.#matching.binding(key);
  }

  bindingsNaming(identityKey: string): ReadonlySet<string> {
    return this.#matching.bindingsNaming(identityKey);
  }

  /** What the pods of a namespace get from a value of the binding label. */
  matchSet(namespace: string, label: string): MatchSet {
    return this.#matching.matchSet(namespace, label);
  }

  place(node: string): Place {
    return this.#groups.place(node);
  }

  host(id: ResourceId): Host | undefined {
    return this.#groups.host(id);
  }

  hosts(): Iterable<Host> {
    return this.#groups.hosts();
  }

  nodesOf(host: HostKey): ReadonlySet<string> {
    return this.#groups.nodesOf(host);
  }

  /** By identity, how many pods need it on this host; none that nobody needs. */
  need(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.#needs.of(host);
  }

  /** Another number each time that what the host needs, or what an identity means, has changed. */
  needRevision(host: ResourceId): number {
    return this.#needs.revision(host) + this.#matching.revision;
  }

  /** Where pods get something by this AzureIdentity. */
  hostsUsing(identityKey: string): ReadonlySet<ResourceId> {
    return this.#uses.hostsNeeding(identityKey);
  }

  // How a change is taken in.

  #setPod(key: PodKey, view: PodView | undefined): void {
    const entry = this.#pods.obtain(key);
    const label = entry.pod?.bindingLabel;
    this.#pods.setPod(entry, view);
    this.#settle(entry);
    if (label !== undefined && this.#pods.labelled(label).size === 0) this.#matching.forgetLabel(label);
  }

  #setAssigned(key: string, view: AssignedView | undefined): void {
    const before = this.#assigned.get(key);
    if (view) this.#assigned.set(key, view);
    else this.#assigned.delete(key);
    const podBefore = before && podKeyOf(before);
    const podAfter = view && podKeyOf(view);
    if (podBefore !== undefined && podBefore !== podAfter)
      this.#replaceAssigned(podBefore, before, undefined);
    if (podAfter !== undefined) this.#replaceAssigned(podAfter, before, view);
  }

  #replaceAssigned(pod: PodKey, before: AssignedView | undefined, after: AssignedView | undefined): void {
    const entry = this.#pods.obtain(pod);
    entry.assigned.replace(before, after);
    this.#settle(entry);
  }

  #setNode(name: string, view: NodeView | undefined): void {
    const before = this.#groups.place(name).host?.id;
    if (!this.#groups.set(name, view)) return;
    for (const entry of this.#pods.on(name)) this.#settle(entry);
    // A node that comes or goes may change what is to be done even where it has no pods.
    const after = this.#groups.place(name).host?.id;
    for (const host of [before, after]) if (host !== undefined) this.#dirt.touch(host);
  }

  #resettle({ labels, namespace }: Changed): void {
    for (const label of labels)
      for (const entry of this.#pods.labelled(label))
        if (this.#matching.isConcerned(namespaceOf(entry.key), label, namespace)) this.#settle(entry);
  }

  /** Puts an entry where it belongs now, counts what it needs there, and has both hosts concerned look at it. */
  #settle(entry: Entry): void {
    const before: Settled = { host: entry.home, counted: entry.counted };
    const node = this.#pods.place(entry);
    this.#pods.house(entry, this.#groups.place(node).host?.id);
    entry.counted = this.#countedOf(entry);
    this.#recount(before, { host: entry.home, counted: entry.counted });
    if (before.host !== undefined && before.host !== entry.home) this.#dirt.touch(before.host);
    if (!this.#pods.dropIfEmpty(entry)) this.#dirt.mark(entry.home, entry.key);
  }

  #countedOf({ pod, home }: Entry): Counted {
    const isLive = pod !== undefined && !pod.finished && pod.nodeName !== '';
    if (!isLive || home === undefined) return nothingCounted;
    return this.#matching.matchSet(pod.namespace, pod.bindingLabel);
  }

  #recount(from: Settled, to: Settled): void {
    if (from.host !== to.host || !isSame(from.counted.needs, to.counted.needs)) {
      if (to.host !== undefined) this.#needs.add(to.host, to.counted.needs);
      if (from.host !== undefined) this.#needs.remove(from.host, from.counted.needs);
    }
    if (from.host === to.host && isSame(from.counted.uses, to.counted.uses)) return;
    const began = to.host === undefined ? [] : this.#uses.add(to.host, to.counted.uses);
    const ended = from.host === undefined ? [] : this.#uses.remove(from.host, from.counted.uses);
    this.#concern.usesChanged([...began, ...ended]);
  }

  /** Those that are on no Azure host, those that do not exist, and none at all. */
  *#hostlessNodes(): Generator<string> {
    for (const node of this.#pods.nodes()) if (this.#groups.place(node).host === undefined) yield node;
  }
}

interface Settled {
  readonly host: HostKey;
  readonly counted: Counted;
}

function podKeyOf(view: AssignedView): PodKey {
  return `${view.podNamespace}/${view.podName}`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((id, position) => id === b[position]));
}
