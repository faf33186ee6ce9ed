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
  readonly #byLabel = new Grouped<string, Entry>();
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

  labelled(value: string): ReadonlySet<Entry> {
    return this.#byLabel.of(value);
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
    if (labelOf(before) !== labelOf(view)) {
      if (before) this.#byLabel.remove(before.bindingLabel, entry);
      if (view && view.isUnlabelled !== true) this.#byLabel.add(view.bindingLabel, entry);
    }
    if (view && !before) this.#byNamespace.add(namespaceOf(entry.key), entry);
    else if (before && !view) this.#byNamespace.remove(namespaceOf(entry.key), entry);
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

  #leaveNode(entry: Entry): void {
    if (entry.node !== undefined) this.#byNode.remove(entry.node, entry);
  }
}

function labelOf(pod: PodView | undefined): string | undefined {
  return pod?.isUnlabelled === true ? undefined : pod?.bindingLabel;
}

function nodeOf({ pod, assigned }: Entry): string {
  return pod !== undefined && pod.nodeName !== '' ? pod.nodeName : (assigned.first?.nodeName ?? '');
}
