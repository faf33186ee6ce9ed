import { readNamespaceView, type NamespaceView } from '@pod-identity/crd-types';
import { labelsDropped, NamespaceLabels } from '@pod-identity/kit/core';
import {
  coreKinds,
  createOptionalInformer,
  type Change,
  type Informer,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import { createSignal } from '../waiting/signal.ts';

/** The labels of 10,000 Namespaces with 400 characters each: a sixteenth of the heap in the manifest. Every NMI keeps those of all. */
const mostCharacters = 4 * 1024 * 1024;

export interface NamespaceInformerOptions extends KubeAmbient {
  readonly pageSize: number;
  /** How many characters of labels are kept in all; default: `mostCharacters`. */
  readonly mostLabels?: number;
}

/** The views in its store have no labels. */
export interface NamespaceInformer extends Informer<NamespaceView> {
  /** With labels. */
  viewOf(name: string): NamespaceView | undefined;
  /** Equal revisions mean equal labels. */
  labelsRevision(): number;
  /** Calls the listener with the name of each Namespace whose annotation or labels may have changed. Returns the unsubscribe function. */
  onView(listener: (name: string) => void): () => void;
}

/**
 * Watches Namespaces. The original's roles do not allow that, so NMI works without it: then annotations and labels of Namespaces have no
 * effect. If the right is removed later, the last known state stays.
 */
export function createNamespaceInformer(options: NamespaceInformerOptions): NamespaceInformer {
  const { transport, clock, random, log, pageSize } = options;
  const labels = new NamespaceLabels(options.mostLabels ?? mostCharacters);
  const { changes, notify } = createSignal<[name: string]>();
  const informer: Informer<NamespaceView> = createOptionalInformer<NamespaceView>(
    {
      transport,
      clock,
      random,
      pageSize,
      kind: coreKinds.namespaces,
      isPerNode: true,
      trim: (object) => trim(object, labels, log),
      onListed: () => {
        labels.retain((name) => informer.store.get(name) !== undefined);
        for (const name of labels.takeChanged()) notify(name);
      },
    },
    () => log.warn({}, refused),
  );
  informer.onChange((change) => {
    const problem = newProblemOf(change);
    if (problem !== undefined) log.warn({ namespace: change.key }, problem);
    // One that was created again under its name has its labels already.
    if (informer.store.get(change.key) === undefined) labels.remove(change.key);
    // Asked here and not for each object that is read: a list would ask for the next one.
    if (change.type !== 'added' && labels.hasRoom()) informer.requestList();
    for (const name of [...labels.takeChanged(), change.key]) notify(name);
  });

  return {
    ...informer,
    viewOf(name) {
      const view = informer.store.get(name);
      if (view === undefined) return undefined;
      return {
        ...view,
        // Parsed at each read: most callers need only the annotation.
        get labels() {
          return labels.of(name);
        },
        ...(labels.isDropped(name) && { labelsFault: labelsDropped }),
      };
    },
    labelsRevision: () => labels.revision,
    onView: (listener) => changes.subscribe(listener),
  };
}

function newProblemOf(change: Change<NamespaceView>): string | undefined {
  const before = change.type === 'updated' ? change.before.problem : undefined;
  const after = change.type === 'deleted' ? undefined : change.after.problem;
  return after === before ? undefined : after;
}

function trim(object: unknown, kept: NamespaceLabels, log: Log): NamespaceView {
  const { labels, ...view } = readNamespaceView(object);
  const dropped = kept.put(view.name, labels);
  if (dropped) log.warn({ ...dropped }, droppedText);
  return { ...view, labels: undefined };
}

const droppedText =
  'the labels of all Namespaces together are more than NMI keeps, so the longest do not count: these Namespaces accept identities of no ' +
  'other namespace, and no selector allows them; remove labels of Namespaces, or Namespaces';
const refused =
  'the API server refuses to list Namespaces, so their annotations and labels do not count: allow list and watch of namespaces to the ' +
  'service account of NMI (deploy/base/nmi/rbac.yaml); asked again every five minutes at least';
