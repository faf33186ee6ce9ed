// Room: the cluster in memory, indexed for the questions of plans, changed by one object at a time.
// It must not do I/O or read a clock.
//
// The cluster in memory, indexed for the queries of plans. It takes one change at a time, at a cost that depends on the change and not
// on the size of the cluster. Mutable; does no I/O and reads no clock.
import type { AccessMode, Host, MatchingRules, NamespaceView, ResourceId } from '@pod-identity/crd-types';
import type { AssignedView, BindingView, IdentityView, NodeView, PodKey, PodView } from '../views.ts';
import { Concern } from './concern.ts';
import type { IdentityObjects } from './identity-objects.ts';
import { HostGroups, type HostKey, type NodeHost } from './host-groups.ts';
import { namespaceOf, podOf } from '../keys.ts';
import type { MatchSet } from './match-set.ts';
import { Matching } from './matching.ts';
import { labelOf, PodEntries } from './pod-entries.ts';
import { nothingReviewed, RightsOfPods } from './rights.ts';
import type { AccessGroup, AccessRules, Barred, PodRights } from './rights.ts';
import { Settling } from './settling.ts';
import type { UnlistedNamespaces } from './unlisted.ts';

/** `key` is `namespace/name`, or the name of a node. Without a view the object is gone. */
export type ClusterChange =
  | { readonly kind: 'pod'; readonly key: PodKey; readonly view: PodView | undefined }
  | { readonly kind: 'node'; readonly key: string; readonly view: NodeView | undefined }
  | { readonly kind: 'identity'; readonly key: string; readonly view: IdentityView | undefined }
  | { readonly kind: 'binding'; readonly key: string; readonly view: BindingView | undefined }
  | { readonly kind: 'namespace'; readonly key: string; readonly view: NamespaceView | undefined };

export class ClusterIndex {
  readonly #pods = new PodEntries();
  readonly #groups = new HostGroups();
  readonly #matching: Matching;
  readonly #rights: RightsOfPods;
  readonly #concern: Concern;
  readonly #settling: Settling;
  readonly rules: MatchingRules;
  readonly objects: Omit<IdentityObjects, 'setIdentity' | 'setBinding'>;
  /** Namespaces whose pods keep what they have, since not all of them are known. */
  readonly unlisted: Pick<UnlistedNamespaces, 'has' | 'add' | 'delete'>;

  /** Without `access`, anyone who may write an AzureIdentity decides who may use it. */
  constructor(rules: MatchingRules, access?: AccessRules) {
    this.rules = rules;
    this.#matching = new Matching(rules, (namespace) => this.accessMode(namespace));
    this.objects = this.#matching.objects;
    this.#concern = new Concern(this.objects);
    this.#rights = new RightsOfPods(access, (identityKey) => this.#concern.usesChanged([identityKey]));
    this.#settling = new Settling({
      pods: this.#pods,
      groups: this.#groups,
      matching: this.#matching,
      rights: this.#rights,
      concern: this.#concern,
    });
    this.unlisted = this.#settling.unlisted;
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
        this.#settling.expireConcerned(this.#matching.setIdentity(change.key, change.view));
        this.#concern.identityChanged(change.key);
        break;
      case 'binding':
        this.#settling.expireConcerned(this.#matching.setBinding(change.key, change.view));
        this.#concern.bindingChanged(change.key);
        break;
      case 'namespace':
        this.#setNamespace(change.key, change.view);
        break;
    }
  }

  /** To be called with groups whose verdicts have changed. */
  rightsChanged(groups: readonly AccessGroup[]): void {
    for (const group of groups) {
      group.isOutdated = true;
      for (const entry of group.members) this.#settling.expire(entry, true);
    }
  }

  /** Evaluates the pods that changes of other objects concern. Each question about what pods get does so first. */
  settle(): this {
    this.#settling.settleStale();
    return this;
  }

  // Changes since the last call.

  dirtyHosts(): Iterable<HostKey> {
    this.settle();
    return this.#settling.dirt.hosts();
  }

  isDirty(host: HostKey): boolean {
    this.settle();
    return this.#settling.dirt.has(host);
  }

  /** Returns the pods of a host to plan again, and marks them clean. */
  takeDirty(host: HostKey): ReadonlySet<PodKey> {
    this.settle();
    return this.#settling.dirt.take(host);
  }

  /** For pods with steps that were not taken. */
  markDirty(pods: Iterable<PodKey>): void {
    for (const key of pods) {
      const entry = this.#pods.get(key);
      if (entry) this.#settling.dirt.mark(entry.home, key);
    }
  }

  /** The pod of a changed record is planned again, with the node of the record if it is gone. */
  recordChanged(record: AssignedView): void {
    const key = podOf(record);
    const entry = this.#pods.get(key);
    this.#settling.dirt.mark(entry ? entry.home : this.#groups.ofNode(record.nodeName).host?.id, key);
  }

  /** To be called at the start of a term: all hosts, pods and conditions are evaluated again. */
  markAllDirty(): void {
    for (const { id } of this.#groups.hosts()) this.#settling.dirt.touch(id);
    this.markDirty(this.#pods.keys());
    this.#concern.allChanged();
  }

  /** Identities and bindings whose condition may have changed since the last call. */
  takeConcerned(): { readonly identities: ReadonlySet<string>; readonly bindings: ReadonlySet<string> } {
    this.settle();
    return this.#concern.take();
  }

  /** Identities whose condition may change with the facts of this host. */
  concernedBy(host: ResourceId): ReadonlySet<string> {
    return new Set(this.settle().#settling.counts.uses(host).keys());
  }

  // Queries.

  pod(key: PodKey): PodView | undefined {
    return this.#pods.get(key)?.pod;
  }

  /** Keys of the pods of a namespace. */
  podsIn(namespace: string): readonly PodKey[] {
    return Array.from(this.#pods.in(namespace), ({ key }) => key);
  }

  /** All pods planned with this host. */
  *podKeysOn(host: HostKey): Generator<PodKey> {
    // Without a host: nodes that are on no Azure host or do not exist, and '' (no node).
    const isHostless = (node: string) => this.#groups.ofNode(node).host === undefined;
    const nodes =
      host === undefined ? [...this.#pods.nodes()].filter(isHostless) : this.#groups.nodesOf(host);
    for (const node of nodes) for (const { key } of this.#pods.on(node)) yield key;
  }

  /** The host that the pod is planned with. */
  homeOf(key: PodKey): HostKey {
    return this.#pods.get(key)?.home;
  }

  /** What the pods of a namespace get from a value of the binding label, without bindings that have other conditions. */
  matchSet(namespace: string, label: string): MatchSet {
    return this.#matching.matchSet(namespace, label);
  }

  /** What the pod gets by bindings, before rights are reviewed. */
  matchSetOf(pod: PodView): MatchSet {
    return this.#matching.matchSetOf(pod);
  }

  /** The access mode that applies to pods of this namespace. */
  accessMode(namespace: string): AccessMode {
    return this.#rights.mode(namespace);
  }

  /** Why the labels of the Namespace are not known, so that it accepts no other one. */
  labelsFault(namespace: string): string | undefined {
    return this.#matching.namespaces.labelsFault(namespace);
  }

  /** What a scheduled pod gets, and what it does not get although bindings select it. */
  rightsOf(key: PodKey): PodRights {
    this.settle();
    const entry = this.#pods.get(key);
    if (!entry?.pod) return nothingReviewed;
    return this.#rights.of(entry, this.#matching.matchSetOf(entry.pod));
  }

  /** ServiceAccounts that may not use the AzureIdentity that a binding gives their pods, or could not in mode `rbac`. */
  denied(identityKey: string): readonly Barred[] {
    return this.settle().#rights.denied(identityKey);
  }

  nodeHost(node: string): NodeHost {
    return this.#groups.ofNode(node);
  }

  host(id: ResourceId): Host | undefined {
    return this.#groups.host(id);
  }

  hosts(): Iterable<Host> {
    return this.#groups.hosts();
  }

  /** The needed identities of this host, with the number of pods that need each (at least one). */
  need(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.settle().#settling.counts.needs(host);
  }

  /** The needed identities that may be attached, since some pod may use them. */
  granted(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.settle().#settling.counts.grants(host);
  }

  /** Whether pods that are not listed may have the identity. */
  mayBeNeeded(id: ResourceId): boolean {
    const { unlisted } = this.#settling;
    if (unlisted.size === 0) return false;
    // Otherwise pods get identities of their own namespace only.
    const isOpen = !this.rules.forceNamespaced || this.#rights.hasRbac;
    return isOpen || this.objects.claimants(id).some((namespace) => unlisted.has(namespace));
  }

  /** Hosts with pods that use this AzureIdentity. */
  hostsUsing(identityKey: string): ReadonlySet<ResourceId> {
    return this.settle().#settling.counts.hostsUsing(identityKey);
  }

  // Changes.

  #setPod(key: PodKey, view: PodView | undefined): void {
    const entry = this.#pods.obtain(key);
    const namespace = namespaceOf(key);
    const labels = [labelOf(entry.pod), labelOf(view)].filter((label) => label !== undefined);
    // Without pods no change in another namespace reaches them.
    const forgetUnused = () => {
      const unused = labels.filter((label) => this.#pods.in(namespace, label).size === 0);
      for (const label of unused) this.#matching.forgetLabel(namespace, label);
    };
    forgetUnused();
    this.#pods.setPod(entry, view);
    this.#settling.settle(entry);
    forgetUnused();
    if (this.#pods.in(namespace).size === 0) this.#matching.forgetNamespace(namespace);
  }

  #setNamespace(name: string, view: NamespaceView | undefined): void {
    const isOther = this.#rights.setAnnotation(name, view?.access);
    const { namespaces } = this.#matching;
    // The messages about its pods have the fault.
    if (view?.labelsFault !== namespaces.labelsFault(name)) this.markDirty(this.podsIn(name));
    const isRelabelled = namespaces.setLabels(name, view?.labels, view?.labelsFault);
    if (!isOther && !isRelabelled) return;
    this.#matching.namespaceChanged(name);
    for (const entry of this.#pods.in(name)) this.#settling.expire(entry);
    if (isOther) this.#concern.allChanged();
  }

  #setNode(name: string, view: NodeView | undefined): void {
    const before = this.#groups.ofNode(name).host?.id;
    if (!this.#groups.set(name, view)) return;
    for (const entry of this.#pods.on(name)) this.#settling.settle(entry);
    // A new or removed node can require changes even without pods.
    const after = this.#groups.ofNode(name).host?.id;
    for (const host of [before, after]) if (host !== undefined) this.#settling.dirt.touch(host);
  }
}
