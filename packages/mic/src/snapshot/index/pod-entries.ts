// All that is known under the names of pods, and the ways to find it: by node, by label, by what still waits.
import type { PodView, PodKey } from '../views.ts';
import { Grouped } from './grouped.ts';
import type { HostKey } from './host-groups.ts';
import { namespaceOf } from '../keys.ts';
import type { MatchSet } from './match-set.ts';
import { PodAssignments } from './pod-assignments.ts';

/** What a host must carry for a pod, and the AzureIdentities that it gets that by. */
export interface Counted extends Pick<MatchSet, 'needs' | 'uses'> {
  /** What may be attached for the pod; what else it needs is only not to be detached. */
  readonly grants: MatchSet['needs'];
}

export const nothingCounted: Counted = { needs: [], grants: [], uses: [] };

/** One pod and its assignments. The pod may have gone already while they have not. */
export interface Entry {
  readonly key: PodKey;
  pod: PodView | undefined;
  readonly assigned: PodAssignments;
  /** The pod's node; of a pod that is gone or unscheduled, the one its assignments were made for. Undefined until placed. */
  node: string | undefined;
  home: HostKey;
  /** What was added to the counts of `home` for it, to be taken off again exactly. */
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

  /** Names of nodes that entries are for, whether they exist or not; empty for no node. */
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

  /** To the node it is for now, which is the answer. */
  place(entry: Entry): string {
    const node = nodeOf(entry);
    if (entry.node === node) return node;
    this.#leaveNode(entry);
    this.#byNode.add(node, entry);
    entry.node = node;
    return node;
  }

  /** To the host it is planned with now, where it may wait for a change of state that only MIC can make. */
  house(entry: Entry, home: HostKey): void {
    this.#waiting.remove(entry.home, entry.key);
    entry.home = home;
    if (entry.assigned.hasTransient) this.#waiting.add(home, entry.key);
  }

  /** Whether it was. */
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
