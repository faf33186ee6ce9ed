// The pods that bindings may select: from one watch of pods with the binding label and, for namespaces with bindings that need more,
// from a watch of all their pods. Bindings wait for that watch, so that no decision is based on part of a pod.
import type { AzureIdentityBinding } from '@pod-identity/crd-types';
import type { Change, Informer } from '@pod-identity/kit/kube';
import type { ClusterIndex } from '../index/cluster-index.ts';
import { Grouped } from '../index/grouped.ts';
import { namespaceOf } from '../keys.ts';
import type { BindingView, PodView } from '../views.ts';
import { WholeNamespaces, type Coverage, type WholeOptions } from './whole-namespaces.ts';

const defaultStartMs = 30_000;
/** Namespaces that are named in the log. */
const mostNamed = 10;

type PodListener = (key: string, pod: PodView | undefined) => void;

export interface PodSourceOptions extends WholeOptions {
  readonly index: ClusterIndex;
  readonly labelled: Informer<PodView>;
  readonly bindingOf: (key: string) => BindingView | undefined;
  /** How long the first decision waits for the pods of these namespaces; default: 30 s. Infinity: until they are known. */
  readonly startMs?: number | undefined;
}

export class PodSource {
  readonly #options: Omit<PodSourceOptions, keyof WholeOptions | 'startMs'>;
  readonly #tools: Pick<WholeOptions, 'clock' | 'log'> & { readonly startMs: number };
  readonly #whole: WholeNamespaces;
  readonly #podListeners = new Set<PodListener>();
  readonly #changeListeners = new Set<() => void>();
  /** Keys of the bindings that need more than the label, by namespace. */
  readonly #listing = new Map<string, Set<string>>();
  /** Keys of pods that the watch by label has, and that changed there while their namespace was covered. */
  readonly #missed = new Grouped<string, string>();

  constructor({ index, labelled, bindingOf, startMs = defaultStartMs, ...tools }: PodSourceOptions) {
    this.#options = { index, labelled, bindingOf };
    this.#tools = { ...tools, startMs };
    this.#whole = new WholeNamespaces(tools, {
      onCovered: (namespace, { isFirst }) => this.#takeOver(namespace, isFirst),
      onChange: (change) => this.#take(change.key, after(change)),
    });
    let isListed = false;
    void labelled.synced.then(() => (isListed = true));
    labelled.onChange((change) => {
      const namespace = namespaceOf(change.key);
      // Not for the first list: until it is complete nothing is decided, and its version may be reached only by the next bookmark.
      if (isListed) this.#whole.heard(namespace, labelled.version());
      if (!this.#whole.covers(namespace)) this.#take(change.key, after(change));
      else if (change.type === 'deleted') this.#missed.remove(namespace, change.key);
      else this.#missed.add(namespace, change.key);
    });
  }

  onPod(listener: PodListener): () => void {
    this.#podListeners.add(listener);
    return () => void this.#podListeners.delete(listener);
  }

  /** Called after each change of the index by pods or by bindings that have waited. Returns a function that removes the listener. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  /** Passes the binding to the index as soon as all pods that it may select are known. */
  bindingChanged(key: string, view: BindingView | undefined): void {
    const namespace = namespaceOf(key);
    const keys = this.#listing.get(namespace) ?? new Set<string>();
    const isListing = view?.kind === 'valid' && mayListMore(view.binding);
    if (isListing) this.#listing.set(namespace, keys.add(key));
    else keys.delete(key);
    if (isListing && !this.#whole.covers(namespace)) {
      this.#whole.want(namespace);
      return;
    }
    this.#options.index.apply({ kind: 'binding', key, view });
    if (keys.size === 0 && this.#listing.has(namespace)) this.#release(namespace);
  }

  /**
   * Resolves when all pods that the current bindings may select are known, or after `startMs`: one large namespace, or many of them, must
   * not keep MIC from the others. Then the pods of namespaces that are not known keep what they have.
   */
  async settled(): Promise<void> {
    const { clock, startMs } = this.#tools;
    if (startMs === Infinity) {
      await this.#whole.settled();
      return;
    }
    const late = Promise.withResolvers<undefined>();
    const timer = clock.after(startMs, () => {
      this.#goOnWithout(this.#whole.uncovered());
      late.resolve(undefined);
    });
    await Promise.race([this.#whole.settled(), late.promise]);
    timer.cancel();
  }

  lastHeardMs(): number {
    return Math.max(this.#options.labelled.lastHeardMs(), this.#whole.lastHeardMs());
  }

  coverage(): Coverage {
    return this.#whole.coverage();
  }

  labelsLeftOut(): number {
    return this.#whole.labelsLeftOut();
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#whole.run(signal);
  }

  #goOnWithout(namespaces: readonly string[]): void {
    const names = namespaces.slice(0, mostNamed).join(' ');
    const { log, startMs } = this.#tools;
    log.warn({ namespaces: namespaces.length, names, waitedMs: startMs }, goneOnWithout);
    this.#options.index.unlisted.add(namespaces);
  }

  /** To be called when all pods of the namespace are known, and with `isFirst: false` when they come from another watch. */
  #takeOver(namespace: string, isFirst: boolean): void {
    const { index, bindingOf } = this.#options;
    const there = this.#whole.pods(namespace).map(({ name }) => `${namespace}/${name}`);
    const keys = [...new Set([...index.podsIn(namespace), ...there])];
    const news = isFirst ? keys : keys.filter((key) => isNews(index.pod(key), this.#whole.get(key)));
    for (const key of news) this.#apply(key, this.#whole.get(key));
    if (isFirst)
      for (const key of this.#listing.get(namespace) ?? [])
        index.apply({ kind: 'binding', key, view: bindingOf(key) });
    index.unlisted.delete(namespace);
    for (const key of news) this.#report(key, this.#whole.get(key));
    this.#changed();
  }

  /** To be called when the label is sufficient again. */
  #release(namespace: string): void {
    const { index, labelled } = this.#options;
    const wasCovered = this.#whole.covers(namespace);
    const missed = [...this.#missed.of(namespace)];
    const keys = new Set([...index.podsIn(namespace), ...missed]);
    this.#listing.delete(namespace);
    for (const key of missed) this.#missed.remove(namespace, key);
    this.#whole.release(namespace);
    index.unlisted.delete(namespace);
    if (wasCovered) for (const key of keys) this.#take(key, labelled.store.get(key));
  }

  #take(key: string, pod: PodView | undefined): void {
    this.#apply(key, pod);
    this.#report(key, pod);
    this.#changed();
  }

  #apply(key: string, pod: PodView | undefined): void {
    const { index } = this.#options;
    if (isNews(index.pod(key), pod)) index.apply({ kind: 'pod', key, view: pod });
  }

  #report(key: string, pod: PodView | undefined): void {
    for (const listener of this.#podListeners) listener(key, pod);
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}

const goneOnWithout =
  'not all pods of these namespaces are listed, which have bindings by podSelector or serviceAccountName: MIC goes on without them, and ' +
  'their pods keep what they have until the lists are complete';

/** Whether the binding needs more than pods with the label have: other labels, or pods without the label. */
function mayListMore({ spec }: AzureIdentityBinding): boolean {
  return spec.podSelector !== undefined || spec.selector === '';
}

/** Whether a change concerns identities: most changes of a pod are of its status and do not. */
function isNews(before: PodView | undefined, now: PodView | undefined): boolean {
  if (before === undefined || now === undefined) return before !== now;
  const fields = ['uid', 'nodeName', 'bindingLabel', 'isUnlabelled', 'labels', 'finished'] as const;
  return fields.some((field) => before[field] !== now[field]);
}

/** The view that counts after the change. */
export function after<V>(change: Change<V>): V | undefined {
  return change.type === 'deleted' ? undefined : change.after;
}
