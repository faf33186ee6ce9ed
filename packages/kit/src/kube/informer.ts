import type { Clock } from '../core/clock.ts';
import type { Log } from '../serve/log.ts';
import type { KubeError } from './errors.ts';
import type { ResourceKind } from './kinds.ts';
import type { Change, Indexes, Store } from './store.ts';
import type { KubeTransport } from './transport.ts';

export interface InformerOptions<V> {
  readonly transport: KubeTransport;
  readonly kind: ResourceKind;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The part of an object worth keeping; undefined leaves the object out. */
  readonly trim: (object: unknown) => V | undefined;
  readonly indexes?: Indexes<V>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log?: Log;
  /** Objects per page of a list; 500 unless told. */
  readonly pageSize?: number;
  /** A watch that says nothing for so long, not even a bookmark, is taken for dead; 60 s unless told. */
  readonly silenceMs?: number;
  /** Told of every failed list or watch, for metrics. */
  readonly onProblem?: (problem: KubeError) => void;
}

export interface Informer<V> {
  readonly store: Store<V>;
  hasSynced(): boolean;
  /** Resolves after the first whole list; stays pending when `run` is aborted before. */
  readonly synced: Promise<void>;
  /** Answers the function that ends it. */
  onChange(listener: (change: Change<V>) => void): () => void;
  /** Milliseconds since the API server last proved to be there; Infinity before the first time. */
  lastHeardMs(): number;
  /** Lists and watches until the signal aborts; then resolves. */
  run(signal: AbortSignal): Promise<void>;
}
export function createInformer<V>(options: InformerOptions<V>): Informer<V> { throw new Error('soon'); }
