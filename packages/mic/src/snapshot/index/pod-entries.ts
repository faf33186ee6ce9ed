// Pods by key, with indexes by node, by namespace and by label.
import type { AccessMode } from '@pod-identity/crd-types';
import type { PairVerdict } from '../../access/pair-verdict.ts';
import type { PodView, PodKey } from '../views.ts';
import { Grouped } from './grouped.ts';
import type { HostKey } from './host-groups.ts';
import { namespaceOf } from '../keys.ts';
import type { MatchSet } from './match-set.ts';

/** The ids that a host must carry for a pod, and the AzureIdentities that cause them. */
export interface Counted extends Pick<MatchSet, 'needs' | 'uses'> {
  /** The ids that may be attached for the pod. The other needs are only kept if attached. */
  readonly grants: MatchSet['needs'];
}

export const nothingCounted: Counted = { needs: [], grants: [], uses: [] };

/** What reviews say of matches, and what counts by them. */
export interface Reviewed extends Counted {
  readonly mode: AccessMode;
  /** Of each match, in their order; undefined if all are allowed. */
  readonly verdicts?: readonly PairVerdict[] | undefined;
}

/** One pod; one that is gone is dropped once it is settled. */
export interface Entry {
  readonly key: PodKey;
  pod: PodView | undefined;
  /** The pod's node; '' for none. Undefined until placed. */
  node: string | undefined;
  home: HostKey;
  /** What the counts of `home` contain for it, to be subtracted later. */
  counted: Counted;
  /** `meaningId` of the matches with which it was settled; 0 if it gets none. */
  meaningId: number;
  hasOwn: boolean;
  /** Of these matches; undefined if RBAC is not asked. */
  reviewed: Reviewed | undefined;
  /** Whether it must be planned once it is settled, although it gets the same as before. */
  isNews: boolean;
}

export class PodEntries {
  readonly #entries = new Map<PodKey, Entry>();
  readonly #byNode = new Grouped<string, Entry>();
  /** Those with a pod, by namespace, and by label and namespace. */
  readonly #groups = new Grouped<string, Entry>();
  readonly #labelNamespaces = new Grouped<string, string>();

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

  /** Namespaces with pods that have this label. */
  namespacesLabelled(value: string): ReadonlySet<string> {
    return this.#labelNamespaces.of(value);
  }

  /** Those with a pod; with this label, if it is given. */
  in(namespace: string, label?: string): ReadonlySet<Entry> {
    return this.#groups.of(label === undefined ? namespace : labelKey(label, namespace));
  }

  obtain(key: PodKey): Entry {
    const known = this.#entries.get(key);
    if (known) return known;
    const entry: Entry = {
      key,
      pod: undefined,
      node: undefined,
      home: undefined,
      counted: nothingCounted,
      meaningId: 0,
      hasOwn: false,
      reviewed: undefined,
      isNews: false,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  setPod(entry: Entry, view: PodView | undefined): void {
    const namespace = namespaceOf(entry.key);
    const before = labelOf(entry.pod);
    for (const group of groupsOf(entry)) this.#groups.remove(group, entry);
    entry.pod = view;
    if (view) for (const group of groupsOf(entry)) this.#groups.add(group, entry);
    const now = labelOf(view);
    if (now !== undefined) this.#labelNamespaces.add(now, namespace);
    if (before !== undefined && this.in(namespace, before).size === 0)
      this.#labelNamespaces.remove(before, namespace);
  }

  /** Files the entry under its current node, and returns that. */
  fileUnderNode(entry: Entry): string {
    const node = entry.pod?.nodeName ?? '';
    if (entry.node === node) return node;
    this.#leaveNode(entry);
    this.#byNode.add(node, entry);
    entry.node = node;
    return node;
  }

  /** Returns whether it was dropped. */
  dropIfEmpty(entry: Entry): boolean {
    if (entry.pod) return false;
    this.#leaveNode(entry);
    return this.#entries.delete(entry.key);
  }

  #leaveNode(entry: Entry): void {
    if (entry.node !== undefined) this.#byNode.remove(entry.node, entry);
  }
}

export function labelOf(pod: PodView | undefined): string | undefined {
  return pod?.isUnlabelled === true ? undefined : pod?.bindingLabel;
}

/** Names of namespaces have no space. */
function groupsOf({ key, pod }: Entry): string[] {
  const namespace = namespaceOf(key);
  const label = labelOf(pod);
  return label === undefined ? [namespace] : [namespace, labelKey(label, namespace)];
}

function labelKey(value: string, namespace: string): string {
  return `${value} ${namespace}`;
}
