// Watches all pods of namespaces with bindings that need more of a pod than its binding label. Without such bindings, nothing is
// watched. A few namespaces are watched one by one. More than that share one watch of all pods of the cluster, since each watch is a
// connection and whoever may create namespaces could open any number. See docs/contributor/decisions.md#bindings-that-select-pods.
import { aborted, type Timer } from '@pod-identity/kit/core';
import type { Change, KubeAmbient } from '@pod-identity/kit/kube';
import { namespaceOf } from '../keys.ts';
import type { Trims } from '../trims.ts';
import type { PodView } from '../views.ts';
import { createLabelMemory, type LabelLimits, type LabelMemory } from './label-memory.ts';
import { Lingering } from './lingering.ts';
import { PodFeed, type FeedScope } from './pod-feed.ts';
import { WantedNamespace } from './wanted-namespace.ts';

export interface WholeLimits {
  /** Watches of one namespace. */
  readonly own: number;
  /** With so many namespaces the watch of the cluster ends. Far below `own`, so that it does not begin and end all the time. */
  readonly few: number;
  /** Shortest time between two lists of all pods of the cluster. */
  readonly pauseMs: number;
  /** Bytes for labels of pods. */
  readonly labels?: LabelLimits;
}

const defaults: WholeLimits = { own: 32, few: 16, pauseMs: 120_000 };
/** Namespaces that come together are listed together. */
const gatherMs = 100;
const handOverMs = 500;
/** Between two lines about labels that are left out. */
const reportPauseMs = 60_000;

interface Listeners {
  /** Called when all pods of the namespace are known, and again when another watch covers it. */
  readonly onCovered: (namespace: string, how: { readonly isFirst: boolean }) => void;
  /** Called for covered namespaces only. */
  readonly onChange: (change: Change<PodView>) => void;
}

/** Namespaces by the watch that covers them. */
export type Coverage = Readonly<Record<FeedScope | 'none', number>>;

export interface WholeOptions extends KubeAmbient {
  readonly trims: Trims;
  readonly limits?: WholeLimits | undefined;
}

export class WholeNamespaces {
  readonly #options: WholeOptions;
  readonly #limits: WholeLimits;
  readonly #listeners: Listeners;
  readonly #wanted = new Map<string, WantedNamespace>();
  /** Wanted namespaces without a watch, in the order of their arrival. */
  readonly #waiting = new Set<string>();
  readonly #feeds = new Set<PodFeed>();
  readonly #lingering: Lingering;
  readonly #running = new Set<Promise<void>>();
  readonly #room: LabelMemory;
  #until: AbortSignal | undefined;
  #widenedAt = -Infinity;
  #reportedAt = -Infinity;
  #widening: Timer | undefined;
  #handOver: Timer | undefined;

  constructor(options: WholeOptions, listeners: Listeners) {
    this.#options = options;
    this.#limits = options.limits ?? defaults;
    this.#room = createLabelMemory(this.#limits.labels, (namespace) => this.#reportLeftOut(namespace));
    this.#listeners = listeners;
    this.#lingering = new Lingering(options.clock, (namespace, { feeds }) => this.#drop(feeds, namespace));
  }

  /** Starts to watch all pods of the namespace. */
  want(namespace: string): void {
    if (this.#wanted.has(namespace)) return;
    const former = this.#lingering.take(namespace);
    if (former) {
      this.#wanted.set(namespace, former);
      this.#tryHandOver([namespace]);
      return;
    }
    this.#wanted.set(namespace, new WantedNamespace(namespace));
    this.#waiting.add(namespace);
    this.#serveWaiting();
  }

  /** Stops that. */
  release(namespace: string): void {
    const entry = this.#wanted.get(namespace);
    if (entry === undefined) return;
    this.#wanted.delete(namespace);
    this.#waiting.delete(namespace);
    entry.settle();
    this.#leave(namespace, entry);
    this.#serveWaiting();
    this.#narrow();
  }

  /** To be called with the version of a change by another watch, whose state a list of the namespace must not undo. */
  heard(namespace: string, version: string | undefined): void {
    (this.#wanted.get(namespace) ?? this.#lingering.get(namespace))?.heard(version);
  }

  /** Whether all pods are known with their labels. */
  covers(namespace: string): boolean {
    return this.#wanted.get(namespace)?.current !== undefined;
  }

  get(key: string): PodView | undefined {
    return this.#wanted.get(namespaceOf(key))?.current?.get(key);
  }

  pods(namespace: string): readonly PodView[] {
    return this.#wanted.get(namespace)?.current?.pods(namespace) ?? [];
  }

  /** Resolves when all wanted namespaces are covered, or cannot be. */
  settled(): Promise<unknown> {
    return Promise.all(Array.from(this.#wanted.values(), ({ settled }) => settled));
  }

  /** Wanted namespaces whose pods are not all known. */
  uncovered(): readonly string[] {
    return [...this.#wanted.keys()].filter((namespace) => !this.covers(namespace));
  }

  coverage(): Coverage {
    const counts = { namespace: 0, cluster: 0, none: 0 };
    for (const { current } of this.#wanted.values()) counts[current?.scope ?? 'none'] += 1;
    return counts;
  }

  /** Number of pods whose labels there is no room for. */
  labelsLeftOut(): number {
    return this.#room.leftOut();
  }

  /** The longest time without data among the watches that cover a namespace. */
  lastHeardMs(): number {
    const covering = new Set(Array.from(this.#wanted.values(), ({ current }) => current));
    return Math.max(0, ...Array.from(covering, (feed) => feed?.lastHeardMs() ?? 0));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#until = signal;
    for (const feed of this.#feeds) this.#start(feed);
    await aborted(signal);
    this.#widening?.cancel();
    this.#handOver?.cancel();
    this.#lingering.cancel();
    await Promise.all(this.#running);
    for (const entry of this.#wanted.values()) entry.settle();
  }

  /** A watch of its own stays for a while. One of the cluster is for those that want it. */
  #leave(namespace: string, entry: WantedNamespace): void {
    const own = this.#until?.aborted === true ? undefined : entry.feeds.findLast(isOwn);
    this.#drop(
      entry.feeds.filter((feed) => feed !== own),
      namespace,
    );
    if (own === undefined) return;
    const rest = new WantedNamespace(namespace, entry.lastHeard);
    rest.add(own);
    this.#lingering.keep(namespace, rest);
  }

  #serveWaiting(): void {
    for (const namespace of this.#waiting) {
      if (this.#count('namespace') >= this.#limits.own && !this.#lingering.endOldest()) break;
      this.#waiting.delete(namespace);
      this.#open('namespace', [namespace]);
    }
    if (this.#waiting.size > 0) this.#widenSoon();
  }

  #widenSoon(): void {
    if (this.#widening !== undefined || this.#until?.aborted === true) return;
    const { clock } = this.#options;
    const pauseMs = this.#widenedAt + this.#limits.pauseMs - clock.elapsed();
    this.#widening = clock.after(Math.max(gatherMs, pauseMs), () => {
      this.#widening = undefined;
      if (this.#waiting.size === 0) return;
      const wide = [...this.#feeds].filter(({ scope }) => scope === 'cluster');
      if (wide.length > 1 || wide.some(({ isListed }) => !isListed)) this.#widenSoon();
      else this.#widen();
    });
  }

  /** A new watch of the cluster, for the namespaces of a former one too. */
  #widen(): void {
    const { clock, log } = this.#options;
    const namespaces = [...this.#wanted.keys()];
    log.info({ namespaces: namespaces.length }, widened);
    this.#widenedAt = clock.elapsed();
    this.#waiting.clear();
    this.#open('cluster', namespaces);
  }

  /** Namespaces are watched one by one again if only a few are left. */
  #narrow(): void {
    if (this.#wanted.size > this.#limits.few || this.#count('cluster') === 0) return;
    let opened = 0;
    for (const [namespace, entry] of this.#wanted) {
      this.#drop(
        entry.takeAway((feed) => !isOwn(feed)),
        namespace,
      );
      this.#waiting.delete(namespace);
      if (entry.feeds.some(isOwn)) continue;
      if (this.#count('namespace') >= this.#limits.own) this.#lingering.endOldest();
      this.#open('namespace', [namespace]);
      opened += 1;
    }
    if (opened > 0) this.#options.log.info({ namespaces: this.#wanted.size }, narrowed);
  }

  #open(scope: FeedScope, namespaces: readonly string[]): void {
    const onListed = (listed: PodFeed) => this.#tryHandOver(listed.namespaces);
    const onChange = (change: Change<PodView>, from: PodFeed) => this.#changed(change, from);
    const options = { ...this.#options, room: this.#room, onListed, onChange };
    const feed = new PodFeed(options, scope, namespaces);
    this.#feeds.add(feed);
    for (const namespace of namespaces) this.#wanted.get(namespace)?.add(feed);
    this.#start(feed);
  }

  #changed(change: Change<PodView>, from: PodFeed): void {
    const namespace = namespaceOf(change.key);
    if (this.#wanted.get(namespace)?.current === from) this.#listeners.onChange(change);
  }

  #tryHandOver(namespaces: Iterable<string>): void {
    for (const namespace of [...namespaces]) this.#handOverOne(namespace);
    this.#serveWaiting();
    const late = [...this.#wanted].filter(([, { isLate }]) => isLate).map(([namespace]) => namespace);
    if (late.length === 0 || this.#handOver !== undefined || this.#until?.aborted === true) return;
    // Not by events of the watch: most of those that bring it there concern other namespaces, or nothing.
    this.#handOver = this.#options.clock.after(handOverMs, () => {
      this.#handOver = undefined;
      this.#tryHandOver(late);
    });
  }

  #handOverOne(namespace: string): void {
    const entry = this.#wanted.get(namespace);
    const isFirst = entry?.current === undefined;
    const unneeded = entry?.handOver();
    if (unneeded === undefined) return;
    this.#drop(unneeded, namespace);
    this.#listeners.onCovered(namespace, { isFirst });
  }

  #drop(feeds: readonly PodFeed[], namespace: string): void {
    for (const feed of feeds) {
      feed.drop(namespace);
      if (feed.namespaces.size === 0) this.#feeds.delete(feed);
    }
  }

  #reportLeftOut(namespace: string): void {
    const { clock, log } = this.#options;
    if (clock.elapsed() - this.#reportedAt < reportPauseMs) return;
    this.#reportedAt = clock.elapsed();
    log.warn({ namespace, pods: this.#room.leftOut() }, noRoom);
  }

  #count(scope: FeedScope): number {
    let count = 0;
    for (const feed of this.#feeds) if (feed.scope === scope) count += 1;
    return count;
  }

  #start(feed: PodFeed): void {
    if (this.#until === undefined) return;
    const run = feed.run(this.#until).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }
}

const isOwn = ({ scope }: PodFeed) => scope === 'namespace';

const widened =
  'more namespaces than MIC watches one by one have bindings that need all their pods: it watches all pods of the cluster';
const noRoom =
  'there is no room for the labels of all pods of namespaces with podSelector: without them no podSelector selects a pod';
const narrowed = 'few namespaces have bindings that need all their pods: MIC watches each by itself again';
