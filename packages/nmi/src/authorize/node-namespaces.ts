// The namespaces whose objects NMI keeps: those of the pods of this node, and those whose identities they accept.
import { acceptedNamespaces, type NamespaceView } from '@pod-identity/crd-types';
import type { Clock, Timer } from '@pod-identity/kit/core';
import type { Informer } from '@pod-identity/kit/kube';
import type { PodView } from '../identify/pod-view.ts';
import { awaitChange, type Patience } from '../waiting/await-change.ts';
import { createSignal } from '../waiting/signal.ts';

export interface NodeNamespaces {
  /**
   * True if the objects that pods of the namespace need have been read; reads them if they were not wanted until now. False at the deadline,
   * or when the caller leaves.
   */
  readonly whenRead: (namespace: string, patience: Patience) => true | Promise<boolean>;
}

export interface NodeNamespacesOptions {
  /** The pods of this node. */
  readonly pods: NodePods;
  readonly namespaces: NodeNamespaceViews;
  readonly informers: readonly Pick<Informer<unknown>, 'want' | 'unwant'>[];
  readonly clock: Clock;
}

interface NodeNamespaceViews {
  readonly store: Pick<Informer<NamespaceView>['store'], 'get'>;
  onChange(listener: (change: { readonly key: string }) => void): () => void;
}

export interface NodePods extends Pick<Informer<PodView>, 'onChange' | 'synced'> {
  readonly store: Pick<Informer<PodView>['store'], 'values'>;
}

/** Objects are kept this long after the last pod of their namespace: a job that runs every minute causes no list each time. */
const lingerMs = 5 * 60_000;
/** Pods wait so long for the objects of namespaces that their own accepts, whose editors decide how long a list takes. */
const othersPatienceMs = 5_000;

interface Kept {
  isRead: boolean;
  isLate: boolean;
  /** Set while no pod of the node needs the namespace. */
  end?: Timer | undefined;
}

export function createNodeNamespaces(options: NodeNamespacesOptions): NodeNamespaces {
  const { pods, namespaces, clock } = options;
  const kept = createKept(options);
  const counts = new Map<string, number>();
  /** By namespace of pods: the namespaces whose identities it accepts. */
  const accepted = new Map<string, readonly string[]>();

  const acceptedBy = (namespace: string) => acceptedNamespaces(namespaces.store.get(namespace)?.labels);
  const isNamespaceNeeded = (namespace: string) =>
    counts.has(namespace) || [...accepted.values()].some((all) => all.includes(namespace));
  const update = (namespace: string) => kept.update(namespace, isNamespaceNeeded);
  const updateAccepted = (namespace: string) => {
    const before = accepted.get(namespace) ?? [];
    const now = counts.has(namespace) ? acceptedBy(namespace) : [];
    if (now.length > 0) accepted.set(namespace, now);
    else accepted.delete(namespace);
    for (const other of new Set([...before, ...now])) update(other);
  };
  const count = ({ namespace }: PodView, by: 1 | -1) => {
    const before = counts.get(namespace) ?? 0;
    if (before + by > 0) counts.set(namespace, before + by);
    else counts.delete(namespace);
    if (before > 0 && before + by > 0) return;
    update(namespace);
    updateAccepted(namespace);
  };

  for (const pod of pods.store.values()) count(pod, 1);
  pods.onChange((change) => {
    // The new state is added first, so that an update of the only pod does not look like its deletion.
    if (change.type !== 'deleted') count(change.after, 1);
    if (change.type !== 'added') count(change.before, -1);
  });
  namespaces.onChange(({ key }) => {
    if (counts.has(key)) updateAccepted(key);
  });

  /** The API server can know a pod before the watch has reported it. */
  const othersOf = (namespace: string) =>
    counts.has(namespace) ? (accepted.get(namespace) ?? none) : acceptedBy(namespace);
  return { whenRead: createWhenRead({ kept, othersOf, update, clock }) };
}

interface WhenReadOptions extends Pick<NodeNamespacesOptions, 'clock'> {
  readonly kept: ReturnType<typeof createKept>;
  /** The namespaces whose identities it accepts. */
  readonly othersOf: (namespace: string) => readonly string[];
  readonly update: (namespace: string) => void;
}

const none: readonly string[] = [];

function createWhenRead({ kept, othersOf, update, clock }: WhenReadOptions): NodeNamespaces['whenRead'] {
  const isReadOrLate = (namespace: string) => kept.isRead(namespace) || kept.isLate(namespace);
  // Called for each token.
  const isRead = (namespace: string) => kept.isRead(namespace) && othersOf(namespace).every(isReadOrLate);
  return (namespace, patience) => {
    if (isRead(namespace)) return true;
    [namespace, ...othersOf(namespace)].forEach(update);
    const look = () => isRead(namespace) || undefined;
    return awaitChange(look, patience, { clock, changes: kept.changes }).then((found) => found === true);
  };
}

/** The namespaces whose objects the informers keep. */
function createKept({ informers, clock }: Pick<NodeNamespacesOptions, 'informers' | 'clock'>) {
  const kept = new Map<string, Kept>();
  const { changes, notify } = createSignal();

  const read = (namespace: string) => {
    const one: Kept = { isRead: false, isLate: false };
    kept.set(namespace, one);
    const become = (state: Partial<Kept>) => {
      Object.assign(one, state);
      notify();
    };
    const late = clock.after(othersPatienceMs, () => become({ isLate: true }));
    void Promise.all(informers.map((informer) => informer.want(namespace))).then(() => {
      late.cancel();
      become({ isRead: true });
    });
    return one;
  };
  const drop = (namespace: string) => {
    kept.delete(namespace);
    for (const informer of informers) informer.unwant(namespace);
  };

  return {
    isRead: (namespace: string) => kept.get(namespace)?.isRead === true,
    isLate: (namespace: string) => kept.get(namespace)?.isLate === true,
    /** Reads the namespace; drops it later if it is not needed. */
    update(namespace: string, isNamespaceNeeded: (namespace: string) => boolean) {
      const one = kept.get(namespace) ?? read(namespace);
      if (isNamespaceNeeded(namespace)) {
        one.end?.cancel();
        one.end = undefined;
      } else one.end ??= clock.after(lingerMs, () => drop(namespace));
    },
    changes,
  };
}
