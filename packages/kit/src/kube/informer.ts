import type { Clock } from '../core/clock.ts';
import { asKubeError, type KubeError } from './errors.ts';
import type { LeftOut } from './share-keeper.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import { retriesOf, type Retries } from './retries.ts';
import { createStore, type Change, type Indexes, type Store } from './store.ts';

export interface InformerOptions<V> extends ReflectorOptions<V> {
  readonly indexes?: Indexes<V>;
  /** Called for each failed list or watch. */
  readonly onProblem?: (problem: KubeError) => void;
}

export interface Informer<V> {
  /** What it watches. */
  readonly plural: string;
  readonly store: Store<V>;
  hasSynced(): boolean;
  /** Resolves after the first whole list, or when `run` ends without one; `hasSynced` tells which. */
  readonly synced: Promise<void>;
  /** Whether objects of the namespace are left out because they are more than its share. */
  leavesOut(namespace: string): boolean;
  /** Some of the objects that are left out, by key: 16 of a namespace. */
  leftOut(): ReadonlyMap<string, LeftOut>;
  /** Looks for what is left out with a new list: at the end of a watch, `relistMs` after the last one at the earliest. */
  askForList(): void;
  /** Called for each of them as it is left out. Returns the function that ends it. */
  onLeftOut(listener: (object: LeftOut) => void): () => void;
  /** Returns the function that ends it. */
  onChange(listener: (change: Change<V>) => void): () => void;
  /** Milliseconds since the API server last proved to be there; Infinity before the first time. */
  lastHeardMs(): number;
  /** Milliseconds since the last watch ended, if there is none now; 0 while one is open, Infinity before the first one. */
  unwatchedMs(): number;
  /** Lists and watches until the signal aborts; then resolves. */
  run(signal: AbortSignal): Promise<void>;
}
/** A watch that ends sooner than this did not really work, even if it ended without an error. */
const shortestWatchMs = 1000;
/** After so many answers in a row that are no watch, the version to resume from is suspected and all is listed again. */
const patience = 3;

/** Keeps a store in step with the API server: one list, then watches, each of which resumes where the last one ended. */
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
    apply: (changes) => changes.forEach((change) => changed.tell(change)),
    onLeftOut: (object) => leftOut.tell(object),
  });

  return {
    plural: kind.plural,
    store: contents.store,
    hasSynced: () => reflector.listed,
    synced: synced.promise,
    onChange: (listener) => changed.add(listener),
    leavesOut: (namespace) => reflector.shares().isOver(namespace),
    leftOut: () => reflector.shares().named,
    onLeftOut: (listener) => leftOut.add(listener),
    askForList: () => reflector.askForList(),
    lastHeardMs: () => clock.elapsed() - reflector.heardAt,
    unwatchedMs: () => (watching.isOpen ? 0 : clock.elapsed() - watching.endedAt),
    async run(signal) {
      try {
        const retries = retriesOf(options.transport, clock, options.random);
        await follow(reflector, options, {
          clock,
          signal,
          retries,
          watching,
          onListed: () => synced.resolve(undefined),
        });
      } finally {
        synced.resolve(undefined);
      }
    },
  };
}

/** When one of them fails, the others are still told. */
function createListeners<T extends { readonly key: string }>(
  onFailed: (error: unknown, key: string) => void,
) {
  const listeners = new Set<(news: T) => void>();
  return {
    add(listener: (news: T) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(news: T) {
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
  readonly retries: Retries;
  readonly watching: Watching;
  readonly onListed: () => void;
}

async function follow<V>(
  reflector: Reflector,
  options: InformerOptions<V>,
  following: Following,
): Promise<void> {
  const { signal, retries } = following;
  const isSuspect = createSuspicion();
  const isForgotten = createForgotten();
  while (!signal.aborted) {
    const done = await step(reflector, following);
    if (isOver(signal)) return;
    if (isSuspect(done)) reflector.forget();
    if (done.problem) report(done.problem, options);
    if (done.isWatched) retries.worked();
    const goesOn = isForgotten(done) || (done.isWatched && !done.problem);
    if (!goesOn) await retries.turn(done.problem, signal);
  }
}

function report<V>(problem: KubeError, { log, kind, onProblem }: InformerOptions<V>): void {
  onProblem?.(problem);
  log?.warn(
    { kind: kind.kind, code: problem.code, error: problem.message },
    'list or watch failed, trying again',
  );
}

interface Step {
  readonly problem: KubeError | undefined;
  /** Something came from the API server. */
  readonly heard: boolean;
  /** The watch lasted long enough to say that it worked. */
  readonly isWatched: boolean;
}

/** A list if there is nothing to resume, then a watch to its end. */
async function step(reflector: Reflector, following: Following): Promise<Step> {
  const { clock, signal, retries, watching, onListed } = following;
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
    retries.answered();
  };
  try {
    if (reflector.version === undefined) {
      await reflector.list(signal);
      retries.answered();
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

/** Judges whether the version to resume from is to blame for what went wrong. */
function createSuspicion(): (step: Step) => boolean {
  let refusals = 0;
  return ({ problem, heard }) => {
    if (heard) refusals = 0;
    if (problem && countsAgainstVersion(problem)) refusals += 1;
    return problem?.code === 'gone' || refusals >= patience;
  };
}

/**
 * The server has forgotten the version to resume from: a list helps, so there is nothing to wait for. One that forgets
 * again before a watch has worked would be listed without end.
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
 * The version may be the cause: one that the server has not reached yet is a 504. That the server throttles, or is not reached,
 * says nothing against it.
 */
function countsAgainstVersion(problem: KubeError): boolean {
  return problem.status !== undefined && problem.code !== 'throttled';
}

/** Asked after waiting, when the signal may have changed. */
const isOver = (signal: AbortSignal) => signal.aborted;
