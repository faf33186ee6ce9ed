// Watches all pods of namespaces with bindings that need more of a pod than its binding label. Without such bindings, nothing is
// watched. See docs/decisions/0035-selectors-of-bindings.md.
import { aborted } from '@pod-identity/kit/core';
import {
  coreKinds,
  createInformer,
  tooLargeIn,
  type Change,
  type Informer,
  type InformerOptions,
} from '@pod-identity/kit/kube';
import { namespaceOf } from '../keys.ts';
import type { Trims } from '../trims.ts';
import type { PodView } from '../views.ts';
import { createLabelRoom } from './label-room.ts';
import { podFieldsWithLabels } from './pod-fields.ts';

export type WatchTools = Pick<InformerOptions<PodView>, 'transport' | 'clock' | 'random' | 'log'>;

interface Listeners {
  readonly onCovered: (namespace: string) => void;
  /** Called for covered namespaces only. */
  readonly onChange: (change: Change<PodView>) => void;
}

interface Watched {
  readonly informer: Informer<PodView>;
  readonly end: AbortController;
  covers: boolean;
}

export class WholeNamespaces {
  readonly #tools: WatchTools;
  readonly #trims: Trims;
  readonly #listeners: Listeners;
  readonly #watched = new Map<string, Watched>();
  readonly #running = new Set<Promise<void>>();
  readonly #room = createLabelRoom();
  #until: AbortSignal | undefined;

  constructor(tools: WatchTools, trims: Trims, listeners: Listeners) {
    this.#tools = tools;
    this.#trims = trims;
    this.#listeners = listeners;
  }

  /** Starts to watch all pods of the namespace. */
  want(namespace: string): void {
    if (this.#watched.has(namespace)) return;
    const entry = { informer: this.#informer(namespace), end: new AbortController(), covers: false };
    this.#watched.set(namespace, entry);
    this.#follow(namespace, entry);
    this.#start(entry);
  }

  /** Stops that. */
  release(namespace: string): void {
    const pods = this.pods(namespace);
    this.#watched.get(namespace)?.end.abort();
    this.#watched.delete(namespace);
    for (const { name } of pods) this.#room.leave(namespace, name);
  }

  /** Whether all pods are known with their labels. */
  covers(namespace: string): boolean {
    return this.#watched.get(namespace)?.covers === true;
  }

  get(key: string): PodView | undefined {
    return this.#watched.get(namespaceOf(key))?.informer.store.get(key);
  }

  pods(namespace: string): readonly PodView[] {
    return this.#watched.get(namespace)?.informer.store.by('all', '') ?? [];
  }

  /** Resolves when all wanted namespaces are covered, or cannot be. */
  settled(): Promise<unknown> {
    return Promise.all(Array.from(this.#watched.values(), ({ informer }) => informer.synced));
  }

  /** The longest time without data among the watches that cover a namespace. */
  lastHeardMs(): number {
    const covering = [...this.#watched.values()].filter(({ covers }) => covers);
    return Math.max(0, ...covering.map(({ informer }) => informer.lastHeardMs()));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#until = signal;
    for (const entry of this.#watched.values()) this.#start(entry);
    await aborted(signal);
    await Promise.all(this.#running);
  }

  #informer(namespace: string): Informer<PodView> {
    return createInformer<PodView>({
      ...this.#tools,
      kind: coreKinds.pods,
      namespace,
      fields: podFieldsWithLabels,
      trim: (raw) => this.#room.fit(this.#trims.wholePod(raw, tooLargeIn(raw).length > 0)),
      indexes: { all: () => [''] },
    });
  }

  #follow(namespace: string, entry: Watched): void {
    const { informer } = entry;
    informer.onChange((change) => {
      if (change.type === 'deleted') this.#room.leave(namespace, change.before.name);
      if (entry.covers) this.#listeners.onChange(change);
    });
    void informer.synced.then(() => {
      if (!informer.hasSynced() || this.#watched.get(namespace) !== entry) return;
      entry.covers = true;
      this.#listeners.onCovered(namespace);
    });
  }

  #start({ informer, end }: Watched): void {
    if (this.#until === undefined) return;
    const run = informer
      .run(AbortSignal.any([this.#until, end.signal]))
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }
}
