// Keeps what each pod counts for up to date. A changed pod is settled at once. Pods that changes of other objects concern are stale
// until their turn: one edit can concern thousands of pods, and others must not wait for all of them.
import type { Concern } from './concern.ts';
import { Dirt } from './dirt.ts';
import { HostCounts, type Settled } from './host-counts.ts';
import type { HostGroups } from './host-groups.ts';
import type { Changed, Matching } from './matching.ts';
import { nothingCounted, type Counted, type Entry, type PodEntries } from './pod-entries.ts';
import type { RightsOfPods } from './rights.ts';
import { StaleEntries } from './stale-entries.ts';
import { UnlistedNamespaces } from './unlisted.ts';
import { namespaceOf } from '../keys.ts';
import type { PodKey } from '../views.ts';

export interface SettlingParts {
  readonly pods: PodEntries;
  readonly groups: HostGroups;
  readonly matching: Matching;
  readonly rights: RightsOfPods;
  readonly concern: Concern;
}

export class Settling {
  readonly #parts: SettlingParts;
  readonly #stale = new StaleEntries();
  readonly counts = new HostCounts();
  readonly dirt = new Dirt();
  readonly unlisted = new UnlistedNamespaces((namespace, entries) => {
    for (const entry of [...this.#parts.pods.in(namespace), ...entries]) this.expire(entry);
  });

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  get hasStale(): boolean {
    return this.#stale.size > 0;
  }

  isStale(entry: Entry): boolean {
    return this.#stale.has(entry);
  }

  /**
   * To be called when the pod may get something else now. It is evaluated in its turn; until then nothing may be attached for it, since
   * what it gets may be less than before. What it needed stays attached.
   */
  expire(entry: Entry): void {
    if (!this.#stale.add(entry)) return;
    this.#parts.pods.noteStale(entry);
    if (entry.counted.grants.length === 0) return;
    const { home: host, counted } = entry;
    const { needs, uses } = counted;
    entry.counted = { needs, uses, grants: [] };
    this.counts.move({ host, counted }, { host, counted: entry.counted });
  }

  /** To be called with a change of an identity or of a binding. */
  expireConcerned(changed: Changed): void {
    const { labels, namespace, selects } = changed;
    for (const label of labels) this.#expireLabelled(label, changed);
    if (!selects) return;
    for (const entry of this.#parts.pods.in(namespace))
      if (entry.pod && !this.isStale(entry) && selects(entry.pod)) this.expire(entry);
  }

  /** Settles stale pods in the turns of their namespaces. */
  settleWhile(mayGoOn: () => boolean): void {
    while (this.#stale.size > 0 && mayGoOn()) {
      const entry = this.#stale.next();
      if (entry) this.settle(entry);
    }
  }

  *settleEach(): Generator<undefined> {
    for (const entry of this.#stale.all()) {
      if (this.#stale.has(entry)) this.settle(entry);
      yield;
    }
  }

  settleIfStale(key: PodKey): Entry | undefined {
    const entry = this.#parts.pods.get(key);
    if (entry && this.#stale.has(entry)) this.settle(entry);
    return entry;
  }

  /** Moves an entry to its current host, counts its needs there, and marks both hosts dirty. */
  settle(entry: Entry): void {
    this.#stale.delete(entry);
    const { pods, groups, concern } = this.#parts;
    pods.noteSettled(entry);
    const before: Settled = { host: entry.home, counted: entry.counted };
    const node = pods.place(entry);
    pods.house(entry, groups.place(node).host?.id);
    entry.counted = this.unlisted.count(entry, this.#countedOf(entry));
    const after = { host: entry.home, counted: entry.counted };
    concern.usesChanged(this.counts.move(before, after));
    if (before.host !== undefined && before.host !== entry.home) this.dirt.touch(before.host);
    if (pods.dropIfEmpty(entry)) this.unlisted.forget(entry);
    else this.dirt.mark(entry.home, entry.key);
    // Not before: a pair that is held without interruption keeps its verdict, also if another pod needs it now.
    const namespace = namespaceOf(entry.key);
    if (!this.#stale.hasIn(namespace)) this.#parts.rights.releaseLeft(namespace);
  }

  #expireLabelled(label: string, changed: Changed): void {
    const { pods, matching } = this.#parts;
    for (const namespace of pods.namespacesLabelled(label)) {
      if (!matching.isConcerned(namespace, label, changed)) continue;
      for (const entry of pods.settledWith(label, namespace)) this.expire(entry);
    }
  }

  #countedOf(entry: Entry): Counted {
    const { rights, matching } = this.#parts;
    const { pod, home } = entry;
    const isLive = pod !== undefined && !pod.finished && pod.nodeName !== '';
    if (!isLive || (home === undefined && rights.mode(pod.namespace) === 'namespace')) {
      rights.leave(entry);
      return nothingCounted;
    }
    const set = matching.matchSetOf(pod);
    const counted = rights.join(entry, set) ?? set;
    return home === undefined ? nothingCounted : counted;
  }
}
