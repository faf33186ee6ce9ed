import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { asKubeError, type KubeError } from './errors.ts';
import type { LeftOut } from './share-keeper.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import { createStore, type Change, type Indexes, type Store } from './store.ts';

export interface InformerOptions<V> extends ReflectorOptions<V> {
  readonly indexes?: Indexes<V>;
  /** Called for each failed list or watch. */
  readonly onProblem?: (problem: KubeError) => void;
  /** Called after each complete list, after the listeners were called with its changes. */
  readonly onListed?: () => void;
}

export interface Informer<V> extends Pick<Reflector, 'want' | 'unwant'> {
  readonly plural: string;
  readonly store: Store<V>;
  hasSynced(): boolean;
  /** The resource version that the store has reached; undefined before the first list. Listeners see that of their change. */
  version(): string | undefined;
  /** Resolves after the first complete list, or when `run` ends without one; see `hasSynced`. */
  readonly synced: Promise<void>;
  /** Whether objects of the namespace are left out because it is over its share. */
  leavesOut(namespace: string): boolean;
  /** Up to 16 left out objects of each namespace, by key. */
  leftOut(): ReadonlyMap<string, LeftOut>;
  /** Calls the listener for each object that is left out. Returns the unsubscribe function. */
  onLeftOut(listener: (object: LeftOut) => void): () => void;
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
/** After so many failed watches in a row the version to resume from is assumed invalid, and a new list is made. */
const patience = 3;

/** Keeps a store up to date: one list, then watches, each of which resumes where the last one ended. */
export function createInformer<V>(options: InformerOptions<V>): Informer<V> {
  const { clock, kind, log } = options;
  const contents = createStore(options.indexes);
  const synced = Promise.withResolvers<undefined>();
  const watching: Watching = { isOpen: false, endedAt: -Infinity };

  const onFailed = (error: unknown, key: string) =>
    log?.error({ error, kind: kind.kind, key }, 'a listener failed');
  const changed = createListeners<Change<V>>(onFailed);
  const leftOut = createListeners<LeftOut>(onFailed);
  const reflector = createReflector(options, contents, {
    apply: (changes) => changes.forEach((change) => changed.notify(change)),
    onLeftOut: (object) => leftOut.notify(object),
  });
  const { want, unwant } = reflector;

  return {
    plural: kind.plural,
    store: contents.store,
    hasSynced: () => reflector.listed,
    version: () => reflector.version,
    synced: synced.promise,
    onChange: (listener) => changed.add(listener),
    leavesOut: (namespace) => reflector.shares().isOver(namespace),
    leftOut: () => reflector.shares().named,
    onLeftOut: (listener) => leftOut.add(listener),
    want,
    unwant,
    lastHeardMs: () => clock.elapsed() - reflector.heardAt,
    unwatchedMs: () => (watching.isOpen ? 0 : clock.elapsed() - watching.endedAt),
    async run(signal) {
      const onListed = () => {
        options.onListed?.();
        synced.resolve(undefined);
      };
      try {
        await follow(reflector, options, { clock, signal, watching, onListed });
      } finally {
        synced.resolve(undefined);
      }
    },
  };
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

interface Watching {
  isOpen: boolean;
  endedAt: number;
}

interface Following {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly watching: Watching;
  readonly onListed: () => void;
}

async function follow<V>(
  reflector: Reflector,
  options: InformerOptions<V>,
  following: Following,
): Promise<void> {
  const { clock, signal } = following;
  const backoff = createBackoff({ ...pauses, random: options.random });
  const isSuspect = createSuspicion();
  const isForgotten = createForgotten();
  const report = createReport(options, clock);
  while (!signal.aborted) {
    const done = await step(reflector, following);
    if (isOver(signal)) return;
    if (isSuspect(done)) reflector.forget();
    if (done.problem) report(done.problem);
    if (done.isWatched) backoff.reset();
    const goesOn = isForgotten(done) || (done.isWatched && !done.problem);
    if (goesOn) continue;
    await clock.sleep(Math.max(backoff.next(), retryAfterOf(done)), signal).catch(() => undefined);
  }
}

function retryAfterOf({ problem }: Step): number {
  return Math.min(problem?.retryAfterMs ?? 0, longestRetryAfterMs);
}

/** Between lines about the same problem: in an outage each informer retries every few seconds. */
const betweenLinesMs = 30_000;

function createReport<V>({ log, kind, onProblem }: InformerOptions<V>, clock: Clock) {
  let said = { code: '', at: -Infinity };
  return (problem: KubeError): void => {
    onProblem?.(problem);
    const { code, message: error } = problem;
    if (code === said.code && clock.elapsed() - said.at < betweenLinesMs) return;
    said = { code, at: clock.elapsed() };
    log?.warn({ kind: kind.kind, code, error }, 'list or watch failed, trying again');
  };
}

interface Step {
  readonly problem: KubeError | undefined;
  /** The API server responded. */
  readonly heard: boolean;
  /** The watch lasted long enough to count as working. */
  readonly isWatched: boolean;
}

/** A list if no watch can be resumed, then a watch. */
async function step(reflector: Reflector, { clock, signal, watching, onListed }: Following): Promise<Step> {
  const { heard } = reflector;
  let watchedAt = Infinity;
  const outcome = (problem?: KubeError): Step => ({
    problem,
    heard: reflector.heard > heard,
    isWatched: clock.elapsed() - watchedAt >= shortestWatchMs,
  });
  const onWatched = () => {
    watchedAt = clock.elapsed();
    watching.isOpen = true;
  };
  try {
    if (reflector.version === undefined) {
      await reflector.list(signal);
      onListed();
    }
    await reflector.watch(signal, onWatched);
    return outcome();
  } catch (error) {
    return outcome(asKubeError(error, signal));
  } finally {
    if (watching.isOpen) Object.assign(watching, { isOpen: false, endedAt: clock.elapsed() });
  }
}

/** Returns whether the version to resume from probably causes the failures. */
function createSuspicion(): (step: Step) => boolean {
  let refusals = 0;
  return ({ problem, heard }) => {
    if (heard) refusals = 0;
    if (problem && countsAgainstVersion(problem)) refusals += 1;
    return problem?.code === 'gone' || refusals >= patience;
  };
}

/**
 * The server no longer has the version to resume from: a list helps at once. If that repeats before a watch works, the usual delays
 * apply, so as not to list endlessly.
 */
function createForgotten(): (step: Step) => boolean {
  let isRepeated = false;
  return ({ problem, isWatched }) => {
    if (isWatched) isRepeated = false;
    if (problem?.code !== 'gone' || isRepeated) return false;
    isRepeated = true;
    return true;
  };
}

/**
 * Whether the version may be the cause: a version that the server has not reached yet returns 504. Throttling and unreachable servers
 * do not count.
 */
function countsAgainstVersion(problem: KubeError): boolean {
  return problem.status !== undefined && problem.code !== 'throttled';
}

const isOver = (signal: AbortSignal) => signal.aborted;
