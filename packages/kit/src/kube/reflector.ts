import type { Clock } from '../core/clock.ts';
import { KubeError, silence } from './errors.ts';
import type { ResourceKind } from './kinds.ts';
import { readList, type ListRequest } from './list.ts';
import { collectionPath, field, textField } from './object.ts';
import { createNamespaceSums, createOldest } from './namespace-sums.ts';
import type { Change, WritableStore } from './store.ts';
import {
  createKeeper,
  putObject,
  takeEvent,
  type Keep,
  type KeeperOptions,
  type Kept,
  type Taking,
} from './keeper.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';
import { createWantedNamespaces, type Fill } from './wanted-namespaces.ts';

export interface ReflectorOptions<V> extends KeeperOptions<V> {
  readonly clock: Clock;
  readonly transport: KubeTransport;
  readonly kind: ResourceKind;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly random: () => number;
  /** Objects per page of a list; default 500. Reduced after a page was too large for the API server. */
  readonly pageSize?: number;
  /** For programs on every node: lists come from the API server's cache where possible. */
  readonly isPerNode?: boolean;
}

/** Copies the API server's objects into a store by lists and watches. */
export type Reflector = ReturnType<typeof createReflector>;

export interface ReflectorEars<V> {
  readonly apply: (changes: readonly Change<V>[]) => void;
  readonly onListed: () => void;
}

interface State {
  /** Of the store; a watch resumes there. */
  version: string | undefined;
  /** The version can't be resumed from. The store keeps its content until the list. */
  needsList: boolean;
  isListed: boolean;
  listedAt: number;
  /** Whether a list or an event came; set to false by the caller. */
  hasHeard: boolean;
  /** Time of the last list, event or end of a watch. Not of its beginning, so that a server that accepts watches and is silent counts as silent. */
  heardAt: number;
  /** When the server accepted the watch; undefined while none is open. */
  openedAt: number | undefined;
  /** When the last watch ended. */
  endedAt: number;
  /** The next list comes from the database. */
  isDoubted: boolean;
  /** Objects per page of a list. */
  pageSize: number;
}

/**
 * The server is asked to end each watch after 60 to 80 s, at different times. Longer watches could not be told from those of a server that
 * hangs: for a kind that had no event yet, v1.20 sends no bookmarks at all and v1.36 the first one after two minutes (measured), but each
 * ends a watch in time.
 */
const watchSeconds = { least: 60, more: 20 };
/** Detects within 90 s a connection over which nothing comes. TCP keep-alive detects most of these sooner. */
const silenceMs = 88_000;
const defaultPageSize = 500;
/** 75 MB of the largest possible objects. */
const smallestPage = 50;
/** Minimum time between lists that may find that other objects count. */
const relistMs = 60_000;

interface Parts<V> {
  readonly options: ReflectorOptions<V>;
  readonly state: State;
  readonly taking: Taking<V> & ReflectorEars<V>;
}

export function createReflector<V>(
  options: ReflectorOptions<V>,
  contents: WritableStore<V>,
  ears: ReflectorEars<V>,
) {
  const { pageSize = defaultPageSize } = options;
  const state = newState(pageSize);
  const wanted = createWantedNamespaces({
    ...options,
    fill: (namespace, how) =>
      readNamespace({ ...options, pageSize, namespace }, how, {
        keep,
        put: (kept) => ears.apply(putObject(kept, taking)),
      }),
  });
  const keep = createKeeper(options, wanted);
  const taking = { contents, keep, wanted, ...ears, sums: createSums(options) };
  const parts: Parts<V> = { options, state, taking };

  return {
    state,
    /** Number of namespaces with objects that don't count. */
    fullNamespaces: () => taking.sums.full(),
    /** With `onlyWanted`: keeps the objects of the namespace from now on. Resolves when they are in the store. */
    want: (namespace: string) => wanted.add(namespace),
    /** Removes the objects of the namespace, and keeps none from now on. */
    unwant: (namespace: string) => {
      wanted.remove(namespace);
      drop(namespace, taking);
    },
    /** A list if needed, then a watch until the server ends it. */
    listAndWatch: async (signal: AbortSignal): Promise<void> => {
      if (state.needsList) {
        await list(parts, signal);
        ears.onListed();
      }
      await watch(parts, signal);
    },
  };
}

function newState(pageSize: number): State {
  return {
    version: undefined,
    needsList: true,
    isListed: false,
    listedAt: -Infinity,
    hasHeard: false,
    heardAt: -Infinity,
    openedAt: undefined,
    endedAt: -Infinity,
    isDoubted: false,
    pageSize,
  };
}

async function list<V>(parts: Parts<V>, signal: AbortSignal): Promise<void> {
  const { options, state, taking } = parts;
  const { contents, wanted, apply } = taking;
  const listEnds = wanted.listBegins();
  const { kept, version } = await readAll(parts, signal);
  hear(parts);
  taking.sums = createSums(options);
  const counting = [...kept.all()].filter((one) => taking.sums.put(one));
  Object.assign(state, { version, needsList: false, isListed: true, listedAt: options.clock.elapsed() });
  apply(contents.replaceAll(counting.map(({ item }) => item)));
  for (const givenUp of listEnds()) drop(givenUp, taking);
}

const fullText =
  'a namespace has more objects than count (--namespace-share): the oldest count, and this and later ones do not';

function createSums<V>({ namespaceBytes = Infinity, kind, log }: ReflectorOptions<V>) {
  return createNamespaceSums(namespaceBytes, (namespace, object) =>
    log?.warn({ kind: kind.kind, namespace, namespaceBytes, object }, fullText),
  );
}

function drop<V>(namespace: string, { contents, sums, apply }: Parts<V>['taking']): void {
  sums.forget(namespace);
  apply(contents.keysOf(namespace).flatMap((key) => contents.remove(key)));
}

async function watch<V>(parts: Parts<V>, signal: AbortSignal): Promise<void> {
  const { options, state, taking } = parts;
  const { clock, transport } = options;
  taking.wanted.canFill(signal);
  const onOpen = () => void (state.openedAt = clock.elapsed());
  try {
    for await (const event of transport.watch({ ...watchRequest(options, state.version, signal), onOpen })) {
      hear(parts);
      const changes = takeEvent(event, taking);
      state.version = eventVersion(event) ?? state.version;
      taking.apply(changes);
    }
    if (!signal.aborted) state.heardAt = clock.elapsed();
  } finally {
    if (taking.sums.mayHaveSpace && clock.elapsed() - state.listedAt >= relistMs) state.needsList = true;
  }
}

function hear<V>({ state, options }: Parts<V>): void {
  Object.assign(state, { hasHeard: true, heardAt: options.clock.elapsed() });
}

async function readAll<V>(parts: Parts<V>, signal: AbortSignal) {
  const { options, state, taking } = parts;
  const { contents, keep } = taking;
  const kept = createOldest<Kept<V>>(options.namespaceBytes ?? Infinity);
  const receiver = {
    begin: () => kept.clear(),
    take(object: unknown) {
      const found = keep(object);
      // For an unchanged object, keeps the view that is in the store already: otherwise a list would need the heap twice.
      if (found) kept.add({ ...found, item: contents.same(found.item) ?? found.item });
    },
  };
  const request = { ...options, ...originOf(parts), signal };
  const version = await readList(request, receiver).catch((error: unknown) => {
    doubtOrigin(state, error);
    throw error;
  });
  state.isDoubted = false;
  return { kept, version };
}

/**
 * Thousands of agents may list at once, so reads of the database are avoided. An agent's first list of its node's pods may be of any
 * version: the API server's cache has an index for it, and the watch that follows catches up. A later list must not go back in time, so
 * it names the version of the store. Objects that grant rights are first read from the database: the cache may still have revoked ones.
 */
function originOf<V>({ options, state }: Parts<V>): Pick<ListRequest, 'resourceVersion' | 'pageSize'> {
  const { version, pageSize } = state;
  if (options.isPerNode !== true || state.isDoubted) return { pageSize };
  // With a page size, a version would mean exactly that version.
  if (version !== undefined) return { resourceVersion: version, pageSize: undefined };
  return options.fieldSelector === undefined ? { pageSize } : { resourceVersion: '0', pageSize };
}

function doubtOrigin(state: State, error: unknown): void {
  state.isDoubted = isSilence(error) || isAboutVersion(error);
  if (!isSilence(error)) return;
  state.pageSize = Math.min(state.pageSize, Math.max(smallestPage, Math.floor(state.pageSize / 4)));
}

/** "Too large resource version" is a 504: after a restore of the database, versions are lower. */
function isAboutVersion(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 504 || /^(gone|invalid)$/.test(error.code));
}

/**
 * The API server builds a whole response before it sends the first byte; with large objects that can exceed the timeout. The cache
 * returns one response, the database pages.
 */
function isSilence(error: unknown): boolean {
  return error instanceof KubeError && error.reason === silence;
}

/**
 * Passes the objects of one namespace on, but for those of which the watch knows more by now. From the database: old servers never serve a
 * version from their cache that an idle kind has not reached, and refuse it after 3 s.
 */
async function readNamespace<V>(
  options: Omit<ListRequest, 'signal' | 'resourceVersion'> & { readonly namespaceBytes?: number | undefined },
  { signal, isTouched }: Fill,
  { keep, put }: { readonly keep: Keep<V>; readonly put: (kept: Kept<V>) => void },
): Promise<void> {
  const listed = createOldest<Kept<V>>(options.namespaceBytes ?? Infinity);
  const take = (object: unknown) => {
    const kept = keep(object);
    if (kept) listed.add(kept);
  };
  await readList({ ...options, signal }, { begin: () => listed.clear(), take });
  for (const kept of listed.all()) if (!isTouched(kept.key)) put(kept);
}

function watchRequest<V>(
  { kind, namespace, labelSelector, fieldSelector, random }: ReflectorOptions<V>,
  version: string | undefined,
  signal: AbortSignal,
): KubeRequest {
  return {
    method: 'GET',
    path: collectionPath(kind, namespace),
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: Math.floor(watchSeconds.least + watchSeconds.more * random()).toString(),
      labelSelector,
      fieldSelector,
    },
    timeoutMs: silenceMs,
    signal,
  };
}

function eventVersion(event: unknown): string | undefined {
  const version = textField(field(field(event, 'object'), 'metadata'), 'resourceVersion');
  return version === '' ? undefined : version;
}
