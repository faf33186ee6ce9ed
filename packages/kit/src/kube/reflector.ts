import type { Clock } from '../core/clock.ts';
import { KubeError, silence } from './errors.ts';
import type { ResourceKind } from './kinds.ts';
import { readList, type ListRequest } from './list.ts';
import { collectionPath, field, keyText, metadataOf, textField } from './object.ts';
import type { Change, Versioned, WritableStore } from './store.ts';
import { createKeeper, putObject, takeEvent, type KeeperOptions, type Taking } from './keeper.ts';
import { createShareKeeper, type LeftOut, type ShareKeeper } from './share-keeper.ts';
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
  readonly onLeftOut: (object: LeftOut) => void;
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
/** Minimum time between lists for the sake of left out objects. */
const relistMs = 10 * 60_000;

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
  const state: State = {
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
  const wanted = createWantedNamespaces({
    ...options,
    fill: (namespace, how) =>
      readNamespace({ ...options, pageSize, namespace }, how, (object) =>
        ears.apply(putObject(object, taking)),
      ),
  });
  const keep = createKeeper(options, wanted);
  const taking = { contents, keep, wanted, ...ears, shares: createShareKeeper(options) };
  const parts: Parts<V> = { options, state, taking };

  return {
    state,
    shares: (): Pick<ShareKeeper, 'isOver' | 'named'> => taking.shares,
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

async function list<V>(parts: Parts<V>, signal: AbortSignal): Promise<void> {
  const { options, state, taking } = parts;
  const { contents, wanted, apply, onLeftOut } = taking;
  const listEnds = wanted.listBegins();
  const { kept, listed, version } = await readAll(parts, signal);
  hear(parts);
  taking.shares = listed;
  Object.assign(state, { version, needsList: false, isListed: true, listedAt: options.clock.elapsed() });
  apply(contents.replaceAll([...kept.values()]));
  for (const givenUp of listEnds()) drop(givenUp, taking);
  for (const object of listed.named.values()) onLeftOut(object);
}

function drop<V>(namespace: string, { contents, shares, apply }: Parts<V>['taking']): void {
  shares.forget(namespace);
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
    if (taking.shares.hasSpace && clock.elapsed() - state.listedAt >= relistMs) state.needsList = true;
  }
}

function hear<V>({ state, options }: Parts<V>): void {
  Object.assign(state, { hasHeard: true, heardAt: options.clock.elapsed() });
}

async function readAll<V>(parts: Parts<V>, signal: AbortSignal) {
  const { options, state, taking } = parts;
  const { contents, keep } = taking;
  const kept = new Map<string, Versioned<V>>();
  let listed = createShareKeeper(options);
  const receiver = {
    begin() {
      kept.clear();
      listed = createShareKeeper(options);
    },
    take(object: unknown) {
      const found = keep(object);
      if (!found) return;
      const { bytes, ...item } = found;
      // For an unchanged object, keeps the view that is in the store already: otherwise a list would need the heap twice.
      kept.set(item.key, contents.same(item) ?? item);
      for (const key of listed.put(item.key, object, bytes)) {
        listed.name({ key, uid: kept.get(key)?.uid ?? '' });
        kept.delete(key);
      }
    },
  };
  const request = { ...options, ...originOf(parts), signal };
  const version = await readList(request, receiver).catch((error: unknown) => {
    doubtOrigin(state, error);
    throw error;
  });
  state.isDoubted = false;
  return { kept, listed, version };
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
async function readNamespace(
  request: Omit<ListRequest, 'signal' | 'resourceVersion'>,
  { signal, isTouched }: Fill,
  put: (object: unknown) => void,
): Promise<void> {
  const take = (object: unknown) => {
    const metadata = metadataOf(object);
    if (metadata && !isTouched(keyText(metadata))) put(object);
  };
  await readList({ ...request, signal }, { begin: () => undefined, take });
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
