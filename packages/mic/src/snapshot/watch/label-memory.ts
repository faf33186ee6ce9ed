// Limits the memory for labels of pods, since whoever creates pods decides their size. Pods of a namespace with equal labels share one
// object, which is counted once. When all is full, the namespace that has the most gives room to one that has less.
import type { Labels } from '@pod-identity/crd-types';
import { largest } from '@pod-identity/kit/core';
import type { PodView } from '../views.ts';

/** Bytes, as counted by `sizeOf`: 14,000 pods whose labels all differ, with 8 labels of 300 characters; half of all. */
const mostOfNamespace = 24 * 1024 * 1024;
/** For all namespaces together: a seventh of the heap in the manifest. */
const mostInAll = 48 * 1024 * 1024;
/** Measured for objects with many members: two strings and an entry of the dictionary. */
const bytesOfLabel = 96;
const bytesOfSet = 320;

/** A pod as a watch keeps it. Its labels may go later, for another namespace. */
export interface HeldPod {
  readonly pod: PodView;
  readonly version: string;
}

export type LabelMemory = ReturnType<typeof createLabelMemory>;
export type LabelDesk = ReturnType<typeof openDesk>;

interface Held {
  pod: PodView;
  readonly version: string;
  readonly onGone: (held: HeldPod, before: PodView) => void;
  set: LabelSet | undefined;
}

interface LabelSet {
  readonly text: string;
  readonly labels: Labels;
  readonly size: number;
  readonly pods: Set<Held>;
  /** The neighbours in the order of arrival: an iterator of the map would have to go through all of them for the newest. */
  older: LabelSet | undefined;
  newer: LabelSet | undefined;
}

export interface LabelLimits {
  readonly ofNamespace: number;
  readonly inAll: number;
}

/** The label sets of a namespace. */
interface Space {
  readonly sets: Map<string, LabelSet>;
  newest: LabelSet | undefined;
  used: number;
}

/** `onLeftOut` is called with the namespace of each pod whose labels are left out. */
export function createLabelMemory(
  most: LabelLimits = { ofNamespace: mostOfNamespace, inAll: mostInAll },
  onLeftOut: (namespace: string) => void = () => undefined,
) {
  const store = new LabelStore(most, onLeftOut);
  return {
    /** For the pods of one watch. `onGone` is called for pods whose labels went for another namespace. */
    open: (onGone: Held['onGone']) => openDesk(store, onGone),
    /** Number of pods whose labels are left out. */
    leftOut: () => store.leftOut,
    /** In bytes. */
    used: (namespace?: string) => store.used(namespace),
  };
}

function openDesk(store: LabelStore, onGone: Held['onGone']) {
  const pods = new Map<string, Map<string, Held>>();
  const forget = (held: Held, ofNamespace: Map<string, Held>) => {
    const { namespace, name } = held.pod;
    store.leave(held);
    ofNamespace.delete(name);
    if (ofNamespace.size === 0) pods.delete(namespace);
  };
  return {
    /** The pod, without its labels if there is no room for them. */
    fit(pod: PodView, version: string): HeldPod {
      const { namespace, name } = pod;
      const ofNamespace = pods.get(namespace) ?? new Map<string, Held>();
      const known = ofNamespace.get(name);
      // A new list contains pods that the watch has already: they stay as they are.
      if (known?.pod.uid === pod.uid && known.version === version) return known;
      const held: Held = { pod, version, onGone, set: undefined };
      store.enter(held, known);
      pods.set(namespace, ofNamespace.set(name, held));
      return held;
    },
    /** To be called when the watch has lost the pod. */
    leave(held: HeldPod) {
      const { namespace, name } = held.pod;
      const ofNamespace = pods.get(namespace);
      const known = ofNamespace?.get(name);
      // Otherwise another pod has the name now. The version may differ: a list that failed may have had a newer one of the same pod.
      if (ofNamespace === undefined || known?.pod.uid !== held.pod.uid) return;
      forget(known, ofNamespace);
    },
    leaveAll(namespace: string) {
      // The watch may have them for a while.
      for (const held of pods.get(namespace)?.values() ?? []) {
        store.leave(held);
        held.pod = withoutLabels(held.pod);
      }
      pods.delete(namespace);
    },
    /** To be called after a complete list: forgets pods that only a list that failed had. Keys are `namespace/name`. */
    retain(isKnown: (key: string) => boolean) {
      for (const [namespace, ofNamespace] of pods)
        for (const [name, held] of ofNamespace)
          if (!isKnown(`${namespace}/${name}`)) forget(held, ofNamespace);
    },
  };
}

class LabelStore {
  readonly #most: LabelLimits;
  readonly #onLeftOut: (namespace: string) => void;
  readonly #spaces = new Map<string, Space>();
  #all = 0;
  leftOut = 0;

  constructor(most: LabelLimits, onLeftOut: (namespace: string) => void) {
    this.#most = most;
    this.#onLeftOut = onLeftOut;
  }

  used(namespace?: string): number {
    return namespace === undefined ? this.#all : (this.#spaces.get(namespace)?.used ?? 0);
  }

  /** Keeps the labels of the pod if there is room. `former` is the same pod, or one of its name, before. */
  enter(held: Held, former: Held | undefined): void {
    const { namespace, labels } = held.pod;
    const text = labels === undefined ? '' : JSON.stringify(labels);
    const shared = this.#spaces.get(namespace)?.sets.get(text);
    // Before the former one is removed, since that may be the last pod with these labels.
    if (shared) share(held, shared);
    if (former) this.leave(former);
    if (shared || labels === undefined) return;
    const set = newSet(labels, text);
    if (this.#makeRoom(namespace, set.size)) {
      this.#add(namespace, set);
      share(held, set);
    } else this.#leaveOut(held);
  }

  leave(held: Held): void {
    const { set, pod } = held;
    if (pod.labelsLeftOut === true) this.leftOut -= 1;
    held.set = undefined;
    if (set?.pods.delete(held) === true && set.pods.size === 0) this.#remove(pod.namespace, set);
  }

  #makeRoom(namespace: string, size: number): boolean {
    const used = this.used(namespace) + size;
    if (used > this.#most.ofNamespace) return false;
    while (this.#all + size > this.#most.inAll) {
      const [other = '', space] = largest(this.#spaces, ([, has]) => has.used) ?? [];
      // Only from a namespace that has more than this one will have: otherwise two namespaces would take from each other all the time.
      if (!space?.newest || other === namespace || space.used <= used) return false;
      const { newest } = space;
      this.#remove(other, newest);
      for (const held of newest.pods) this.#leaveOut(held);
    }
    return true;
  }

  #leaveOut(held: Held): void {
    const before = held.pod;
    const wasKept = held.set !== undefined;
    held.set = undefined;
    held.pod = { ...withoutLabels(before), labelsLeftOut: true };
    this.leftOut += 1;
    this.#onLeftOut(before.namespace);
    if (wasKept) held.onGone(held, before);
  }

  #add(namespace: string, set: LabelSet): void {
    const space = this.#spaces.get(namespace) ?? {
      sets: new Map<string, LabelSet>(),
      newest: undefined,
      used: 0,
    };
    this.#spaces.set(namespace, space);
    space.sets.set(set.text, set);
    append(space, set);
    space.used += set.size;
    this.#all += set.size;
  }

  #remove(namespace: string, set: LabelSet): void {
    const space = this.#spaces.get(namespace);
    if (!space?.sets.delete(set.text)) return;
    unlink(space, set);
    space.used -= set.size;
    this.#all -= set.size;
    if (space.sets.size === 0) this.#spaces.delete(namespace);
  }
}

function newSet(labels: Labels, text: string): LabelSet {
  const size = sizeOf(labels, text);
  return { text, labels, size, pods: new Set<Held>(), older: undefined, newer: undefined };
}

function append(space: Space, set: LabelSet): void {
  set.older = space.newest;
  if (space.newest) space.newest.newer = set;
  space.newest = set;
}

function unlink(space: Space, { older, newer }: LabelSet): void {
  if (older) older.newer = newer;
  if (newer) newer.older = older;
  else space.newest = older;
}

function withoutLabels(pod: PodView): PodView {
  const { uid, namespace, name, nodeName, bindingLabel, serviceAccount, finished } = pod;
  const bare = { uid, namespace, name, nodeName, bindingLabel, serviceAccount, finished };
  return pod.isUnlabelled === true ? { ...bare, isUnlabelled: true } : bare;
}

function share(held: Held, set: LabelSet): void {
  held.pod = { ...held.pod, labels: set.labels };
  held.set = set;
  set.pods.add(held);
}

/** What labels take in memory, not only their characters: many short ones take seven times those. `text` is kept too. */
function sizeOf(labels: Labels, text: string): number {
  return bytesOfSet + bytesOfLabel * Object.keys(labels).length + 2 * text.length;
}
