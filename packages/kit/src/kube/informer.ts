import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { asKubeError, type KubeError } from './errors.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { createStore, type Change, type Indexes, type Store } from './store.ts';

export interface InformerOptions<V> extends ReflectorOptions<V> {
  readonly indexes?: Indexes<V>;
  /** Called for each failed list or watch. */
  readonly onProblem?: (problem: KubeError) => void;
}

export interface Informer<V> extends Pick<Reflector<V>, 'want' | 'unwant' | 'fullNamespaces'> {
  readonly plural: string;
  readonly store: Store<V>;
  hasSynced(): boolean;
  /** The resource version that the store has reached; undefined before the first list. Listeners see that of their change. */
  version(): string | undefined;
  /** Resolves after the first complete list, or when `run` ends without one; see `hasSynced`. */
  readonly synced: Promise<void>;
  /** Returns the unsubscribe function. */
  onChange(listener: (change: Change<V>) => void): () => void;
  /** Milliseconds since the last response of the API server; Infinity before the first one. */
  lastHeardMs(): number;
  /** Milliseconds since the last watch ended; 0 while one is open, Infinity before the first one. */
  unwatchedMs(): number;
  /** Resolves when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Pauses after failures, half of each by chance, since the informers of all nodes fail at the same time; never none. */
const pauses = { baseMs: 800, capMs: 4_000 };
/** Limit of Retry-After, since the stores become stale. */
const longestRetryAfterMs = 30_000;
/** A watch that ends sooner counts as failed, even without an error. */
const shortestWatchMs = 1000;
/** After so many doubts in a row that a watch can resume from the version, a new list is made. */
const mostDoubts = 2;
/** Between lines about the same problem: in an outage each informer retries every few seconds. */
const betweenLinesMs = 30_000;

/** Keeps a store up to date: one list, then watches, each of which resumes where the last one ended. */
export function createInformer<V>(options: InformerOptions<V>): Informer<V> {
  const { clock, kind, log } = options;
  const contents = createStore(options.indexes);
  const synced = Promise.withResolvers<undefined>();
  const changed = createListeners<Change<V>>((error, key) =>
    log?.error({ error, kind: kind.kind, key }, 'a listener failed'),
  );
  const onListed = () => {
    options.onListed?.();
    synced.resolve(undefined);
  };
  const apply = (changes: readonly Change<V>[]) => changes.forEach((change) => changed.notify(change));
  const reflector = new Reflector({ ...options, onListed }, contents, apply);
  let watchEndedAt = -Infinity;

  return {
    plural: kind.plural,
    store: contents.store,
    hasSynced: () => reflector.isListed,
    version: () => (reflector.needsList ? undefined : reflector.version),
    synced: synced.promise,
    onChange: (listener) => changed.add(listener),
    fullNamespaces: () => reflector.fullNamespaces(),
    want: (namespace) => reflector.want(namespace),
    unwant: (namespace) => reflector.unwant(namespace),
    lastHeardMs: () => clock.elapsed() - reflector.heardAt,
    unwatchedMs: () => (reflector.openedAt === undefined ? clock.elapsed() - watchEndedAt : 0),
    async run(signal) {
      const pauseAfter = createPauses(reflector, options);
      const report = createReport(options);
      while (!signal.aborted) {
        const { problem, watchedMs } = await watchOnce(reflector, clock, signal);
        if (watchedMs !== undefined) watchEndedAt = clock.elapsed();
        if (isOver(signal)) break;
        if (problem) report(problem);
        const ms = pauseAfter(problem, (watchedMs ?? 0) >= shortestWatchMs);
        if (ms > 0) await clock.sleep(ms, signal).catch(() => undefined);
      }
      synced.resolve(undefined);
    },
  };
}

/** `watchedMs`: for how long; undefined if the server accepted no watch. */
async function watchOnce<V>(reflector: Reflector<V>, clock: Clock, signal: AbortSignal) {
  reflector.hasHeard = false;
  const problem = await reflector.listAndWatch(signal).then(
    () => undefined,
    (error: unknown) => asKubeError(error, signal),
  );
  const { openedAt } = reflector;
  reflector.openedAt = undefined;
  return { problem, watchedMs: openedAt === undefined ? undefined : clock.elapsed() - openedAt };
}

/** A failing listener does not affect the others. */
function createListeners<T extends { readonly key: string }>(
  onFailed: (error: unknown, key: string) => void,
) {
  const listeners = new Set<(news: T) => void>();
  return {
    add(listener: (news: T) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify(news: T) {
      for (const listener of listeners)
        try {
          listener(news);
        } catch (error) {
          onFailed(error, news.key);
        }
    },
  };
}

/** Returns how long to wait after a watch, and decides whether a list comes first. `isWatched`: it lasted long enough to count as working. */
function createPauses<V>(state: Reflector<V>, { random }: InformerOptions<V>) {
  const backoff = createBackoff({ ...pauses, random });
  let doubts = 0;
  let isForgotten = false;
  return (problem: KubeError | undefined, isWatched: boolean): number => {
    if (state.hasHeard) doubts = 0;
    doubts += doubtsOfVersion(problem);
    if (doubts >= mostDoubts) state.needsList = true;
    if (isWatched) {
      backoff.reset();
      isForgotten = false;
      if (!problem) return 0;
    }
    // A list helps at once. If the version is gone again before a watch works, the usual pauses apply, so as not to list endlessly.
    if (problem?.code === 'gone' && !isForgotten) {
      isForgotten = true;
      return 0;
    }
    return Math.max(backoff.next(), Math.min(problem?.retryAfterMs ?? 0, longestRetryAfterMs));
  };
}

/**
 * Whether the version to resume from is the cause, or may be: one that the server has not reached yet returns 504. Throttling and
 * unreachable servers say nothing about it.
 */
function doubtsOfVersion(problem: KubeError | undefined): number {
  if (problem?.code === 'gone') return mostDoubts;
  return problem?.status === undefined || problem.code === 'throttled' ? 0 : 1;
}

function createReport<V>({ log, kind, onProblem, clock }: InformerOptions<V>) {
  let said = { code: '', at: -Infinity };
  return (problem: KubeError): void => {
    onProblem?.(problem);
    const { code, message: error } = problem;
    if (code === said.code && clock.elapsed() - said.at < betweenLinesMs) return;
    said = { code, at: clock.elapsed() };
    log?.warn({ kind: kind.kind, code, error }, 'list or watch failed, trying again');
  };
}

const isOver = (signal: AbortSignal) => signal.aborted;
