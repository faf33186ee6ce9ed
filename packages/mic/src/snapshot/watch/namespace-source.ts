// Namespaces for the index. Their labels are kept within a bound, since whoever may create Namespaces decides their size.
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
import type { ClusterIndex } from '../index/cluster-index.ts';

/** Characters of the labels of all Namespaces: 10,000 Namespaces may have 600 each. The index keeps them once more. */
const mostCharacters = 8 * 1024 * 1024;

export interface NamespaceSourceOptions extends KubeAmbient {
  readonly index: ClusterIndex;
  /** Default: `mostCharacters`. */
  readonly mostLabels?: number | undefined;
}

/** The views in its store have no labels. */
export interface NamespaceSource extends Omit<Informer<NamespaceView>, 'onChange'> {
  /** Called after each change of the index. Returns a function that removes the listener. */
  onChange(listener: () => void): () => void;
  /** Number of Namespaces whose labels there is no room for. */
  labelsLeftOut(): number;
}

/** The original's roles do not allow this watch; MIC works without it. */
export function watchNamespaces(options: NamespaceSourceOptions): NamespaceSource {
  const { index, log, mostLabels = mostCharacters, transport, clock, random } = options;
  const labels = new NamespaceLabels(mostLabels);
  const listeners = new Set<() => void>();
  const informer: Informer<NamespaceView> = createOptionalInformer<NamespaceView>(
    {
      transport,
      clock,
      random,
      kind: coreKinds.namespaces,
      log: log.child({ watch: coreKinds.namespaces.plural }),
      trim: (raw) => trim(raw, labels, log),
      onListed() {
        labels.retain((name) => informer.store.get(name) !== undefined);
        if (applyChanged()) notify();
      },
    },
    () => log.warn({}, refused),
  );
  const apply = (name: string, view: NamespaceView | undefined) =>
    index.apply({ kind: 'namespace', key: name, view: view && withLabels(view, labels) });
  /** Namespaces whose labels count or do not count any more because of others. */
  const applyChanged = () => {
    const changed = labels.takeChanged();
    for (const name of changed) apply(name, informer.store.get(name));
    return changed.size > 0;
  };
  const notify = () => listeners.forEach((listener) => listener());
  informer.onChange((change) => {
    const { key } = change;
    // One that was created again under its name has its labels already.
    if (informer.store.get(key) === undefined) labels.remove(key);
    apply(key, note(change, log));
    applyChanged();
    // Asked here and not for each object that is read: a list would ask for the next one.
    if (change.type !== 'added' && labels.hasRoom()) informer.requestList();
    notify();
  });
  return {
    ...informer,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    labelsLeftOut: () => labels.leftOut,
  };
}

function trim(raw: unknown, kept: NamespaceLabels, log: Log): NamespaceView {
  const { labels, ...view } = readNamespaceView(raw);
  const dropped = kept.put(view.name, labels);
  if (dropped) log.warn({ ...dropped }, droppedText);
  return { ...view, labels: undefined };
}

function withLabels(view: NamespaceView, labels: NamespaceLabels): NamespaceView {
  return {
    ...view,
    labels: labels.of(view.name),
    ...(labels.isDropped(view.name) && { labelsFault: labelsDropped }),
  };
}

/** Logs a problem of its annotation. */
function note(change: Change<NamespaceView>, log: Log): NamespaceView | undefined {
  if (change.type === 'deleted') return undefined;
  const { name, problem } = change.after;
  if (problem !== undefined) log.warn({ namespace: name }, problem);
  return change.after;
}

const droppedText =
  'the labels of all Namespaces together are more than MIC keeps, so the longest do not count: these Namespaces accept identities of no ' +
  'other namespace, and no selector allows them; remove labels of Namespaces, or Namespaces';
const refused =
  'the API server refuses to list Namespaces, so their annotations and labels do not count: allow list and watch of namespaces to the ' +
  'service account of MIC (deploy/base/mic/rbac.yaml); asked again every five minutes at least';
