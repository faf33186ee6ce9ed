// Pods and their assignments by pod key, with indexes by node, by label and by waiting pods.
import type { PodView, PodKey } from '../views.ts';
import { Grouped } from './grouped.ts';
import type { HostKey } from './host-groups.ts';
import { namespaceOf } from '../keys.ts';
import type { MatchSet } from './match-set.ts';
import { PodAssignments } from './pod-assignments.ts';

/** The ids that a host must carry for a pod, and the AzureIdentities that cause them. */
export interface Counted extends Pick<MatchSet, 'needs' | 'uses'> {
  /** The ids that may be attached for the pod. The other needs are only kept if attached. */
  readonly grants: MatchSet['needs'];
}

export const nothingCounted: Counted = { needs: [], grants: [], uses: [] };

/** One pod and its assignments, which can outlive it. */
export interface Entry {
  readonly key: PodKey;
  pod: PodView | undefined;
  readonly assigned: PodAssignments;
  /** The pod's node; for a deleted or unscheduled pod that of its assignments. Undefined until placed. */
  node: string | undefined;
  home: HostKey;
  /** What the counts of `home` contain for it, to be subtracted later. */
  counted: Counted;
}

export class PodEntries {
  readonly #entries = new Map<PodKey, Entry>();
  readonly #byNode = new Grouped<string, Entry>();
  /** By label and namespace: all, and those that are not stale. */
  readonly #byLabel = new Grouped<string, Entry>();
  readonly #settled = new Grouped<string, Entry>();
  readonly #labelNamespaces = new Grouped<string, string>();
  readonly #waiting = new Grouped<HostKey, PodKey>();
  readonly #byNamespace = new Grouped<string, Entry>();

  get(key: PodKey): Entry | undefined {
    return this.#entries.get(key);
  }

  keys(): Iterable<PodKey> {
    return this.#entries.keys();
  }

  on(node: string): ReadonlySet<Entry> {
    return this.#byNode.of(node);
  }

  /** Nodes of the entries, existing or not; '' for no node. */
  nodes(): Iterable<string> {
    return this.#byNode.keys();
  }

  /** Those with this label that are not stale: an edit costs nothing for pods that an earlier one has made stale. */
  settledWith(value: string, namespace: string): ReadonlySet<Entry> {
    return this.#settled.of(labelKey(value, namespace));
  }

  noteSettled(entry: Entry): void {
    const label = labelOf(entry.pod);
    if (label !== undefined) this.#settled.add(labelKey(label, namespaceOf(entry.key)), entry);
  }

  noteStale(entry: Entry): void {
    const label = labelOf(entry.pod);
    if (label !== undefined) this.#settled.remove(labelKey(label, namespaceOf(entry.key)), entry);
  }

  /** Namespaces with pods that have this label. */
  namespacesLabelled(value: string): ReadonlySet<string> {
    return this.#labelNamespaces.of(value);
  }

  waitingOn(host: HostKey): ReadonlySet<PodKey> {
    return this.#waiting.of(host);
  }

  hasPodsIn(namespace: string): boolean {
    return this.#byNamespace.of(namespace).size > 0;
  }

  in(namespace: string): ReadonlySet<Entry> {
    return this.#byNamespace.of(namespace);
  }

  obtain(key: PodKey): Entry {
    const known = this.#entries.get(key);
    if (known) return known;
    const entry: Entry = {
      key,
      pod: undefined,
      assigned: new PodAssignments(),
      node: undefined,
      home: undefined,
      counted: nothingCounted,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  setPod(entry: Entry, view: PodView | undefined): void {
    const before = entry.pod;
    entry.pod = view;
    const namespace = namespaceOf(entry.key);
    this.#setLabel(entry, namespace, [labelOf(before), labelOf(view)]);
    if (view && !before) this.#byNamespace.add(namespace, entry);
    else if (before && !view) this.#byNamespace.remove(namespace, entry);
  }

  /** Files the entry under its current node, and returns that. */
  place(entry: Entry): string {
    const node = nodeOf(entry);
    if (entry.node === node) return node;
    this.#leaveNode(entry);
    this.#byNode.add(node, entry);
    entry.node = node;
    return node;
  }

  /** Files the entry under its current host, and as waiting if it has an assignment in a transient state. */
  house(entry: Entry, home: HostKey): void {
    this.#waiting.remove(entry.home, entry.key);
    entry.home = home;
    if (entry.assigned.hasTransient) this.#waiting.add(home, entry.key);
  }

  /** Returns whether it was dropped. */
  dropIfEmpty(entry: Entry): boolean {
    if (entry.pod || entry.assigned.size > 0) return false;
    this.#leaveNode(entry);
    return this.#entries.delete(entry.key);
  }

  #setLabel(entry: Entry, namespace: string, [before, now]: readonly (string | undefined)[]): void {
    if (before === now) return;
    if (before !== undefined) {
      const key = labelKey(before, namespace);
      this.#byLabel.remove(key, entry);
      this.#settled.remove(key, entry);
      if (this.#byLabel.of(key).size === 0) this.#labelNamespaces.remove(before, namespace);
    }
    if (now === undefined) return;
    this.#byLabel.add(labelKey(now, namespace), entry);
    this.#labelNamespaces.add(now, namespace);
  }

  #leaveNode(entry: Entry): void {
    if (entry.node !== undefined) this.#byNode.remove(entry.node, entry);
  }
}

function labelOf(pod: PodView | undefined): string | undefined {
  return pod?.isUnlabelled === true ? undefined : pod?.bindingLabel;
}

function labelKey(value: string, namespace: string): string {
  return `${value} ${namespace}`;
}

function nodeOf({ pod, assigned }: Entry): string {
  return pod !== undefined && pod.nodeName !== '' ? pod.nodeName : (assigned.first?.nodeName ?? '');
}
