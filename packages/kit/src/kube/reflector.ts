import type { Clock } from '../core/clock.ts';
import type { ResourceKind } from './kinds.ts';
import { readList, type ListRequest } from './list.ts';
import { createListOrigin, type ListOrigin } from './list-origin.ts';
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
  /** A watch without events or bookmarks for so long counts as dead; default 28 s. */
  readonly silenceMs?: number;
}

/** Copies the API server's objects into a store by lists and watches; the caller chooses which. */
export interface Reflector {
  /** Replaces the content of the store. */
  list(signal: AbortSignal): Promise<void>;
  /** Applies changes from `version` on until the server ends the watch. `onOpen`: the server accepted it. */
  watch(signal: AbortSignal, onOpen: () => void): Promise<void>;
  /** Makes the next step a list. The store keeps its content until then. */
  forget(): void;
  /** With `onlyWanted`: keeps the objects of the namespace from now on. Resolves when they are in the store. */
  readonly want: (namespace: string) => Promise<void>;
  /** Removes the objects of the namespace, and keeps none from now on. */
  readonly unwant: (namespace: string) => void;
  /** Where a watch resumes; undefined if a list is needed. */
  readonly version: string | undefined;
  readonly listed: boolean;
  /** Number of lists and events so far. */
  readonly heard: number;
  /** Time of the last response, including the end of a watch; -Infinity before the first one. */
  readonly heardAt: number;
  shares(): Pick<ShareKeeper, 'isOver' | 'named'>;
}

export interface ReflectorEars<V> {
  readonly apply: (changes: readonly Change<V>[]) => void;
  readonly onLeftOut: (object: LeftOut) => void;
}

interface Progress {
  version: string | undefined;
  listed: boolean;
  heard: number;
  heardAt: number;
}

/** Detects a half-open connection within 30 s. A shorter time would reopen each watch more often. */
const defaultSilenceMs = 28_000;
/** Minimum time between lists for the sake of left out objects. */
const relistMs = 10 * 60_000;
/** Objects per page of the list of one namespace. */
const pageSize = 500;

export function createReflector<V>(
  options: ReflectorOptions<V>,
  contents: WritableStore<V>,
  ears: ReflectorEars<V>,
): Reflector {
  const { apply } = ears;
  const state: Progress = { version: undefined, listed: false, heard: 0, heardAt: -Infinity };
  const wanted = createWantedNamespaces({
    ...options,
    fill: (namespace, how) =>
      readNamespace({ pageSize, ...options, namespace }, how, (object) => apply(putObject(object, taking))),
  });
  const keep = createKeeper(options, wanted);
  const taking = { contents, keep, wanted, ...ears, shares: createShareKeeper(options) };
  const parts = {
    options,
    state,
    taking,
    origin: createListOrigin(options),
    relist: createRelist(options),
  };

  return Object.assign(state, {
    forget: () => void (state.version = undefined),
    shares: () => taking.shares,
    want: (namespace: string) => wanted.add(namespace),
    unwant(namespace: string) {
      wanted.remove(namespace);
      drop(namespace, taking);
    },
    list: (signal: AbortSignal) => list(parts, signal),
    watch: (signal: AbortSignal, onOpen: () => void) => watch(parts, signal, onOpen),
  });
}

interface Parts<V> {
  readonly options: ReflectorOptions<V>;
  readonly state: Progress;
  readonly taking: Taking<V> & ReflectorEars<V>;
  readonly origin: ListOrigin;
  readonly relist: ReturnType<typeof createRelist>;
}

async function list<V>(parts: Parts<V>, signal: AbortSignal): Promise<void> {
  const { options, state, taking, origin, relist } = parts;
  const { contents, wanted, apply, onLeftOut } = taking;
  const listEnds = wanted.listBegins();
  const { kept, listed, version } = await readAll(parts, signal);
  hear(state, options);
  taking.shares = listed;
  relist.listed();
  Object.assign(state, { version, listed: true });
  origin.reached(version);
  apply(contents.replaceAll([...kept.values()]));
  for (const givenUp of listEnds()) drop(givenUp, taking);
  for (const object of listed.named.values()) onLeftOut(object);
}

function drop<V>(namespace: string, { contents, shares, apply }: Parts<V>['taking']): void {
  shares.forget(namespace);
  apply(contents.keysOf(namespace).flatMap((key) => contents.remove(key)));
}

async function watch<V>(parts: Parts<V>, signal: AbortSignal, onOpen: () => void): Promise<void> {
  const { options, state, taking, origin, relist } = parts;
  taking.wanted.canFill(signal);
  const events = options.transport.watch({ ...watchRequest(options, state.version, signal), onOpen });
  try {
    for await (const event of events) {
      hear(state, options);
      const changes = takeEvent(event, taking);
      state.version = eventVersion(event) ?? state.version;
      origin.reached(state.version);
      taking.apply(changes);
    }
    if (!signal.aborted) state.heardAt = options.clock.elapsed();
  } finally {
    if (relist.isDue(taking.shares.hasSpace)) state.version = undefined;
  }
}

function hear(state: Progress, { clock }: Pick<ReflectorOptions<never>, 'clock'>): void {
  state.heard += 1;
  state.heardAt = clock.elapsed();
}

/** Decides when to list again for left out objects. */
function createRelist({ clock }: Pick<ReflectorOptions<never>, 'clock'>) {
  let listedAt = -Infinity;
  return {
    listed: () => void (listedAt = clock.elapsed()),
    isDue: (hasSpace: boolean) => hasSpace && clock.elapsed() - listedAt >= relistMs,
  };
}

async function readAll<V>({ options, origin, taking: { contents, keep } }: Parts<V>, signal: AbortSignal) {
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
  const version = await origin.listFrom((from) => readList({ ...options, ...from, signal }, receiver));
  return { kept, listed, version };
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
  options: ReflectorOptions<V>,
  version: string | undefined,
  signal: AbortSignal,
): KubeRequest {
  const { kind, namespace, labelSelector, fieldSelector } = options;
  const { silenceMs = defaultSilenceMs, random } = options;
  return {
    method: 'GET',
    path: collectionPath(kind, namespace),
    query: {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: watchSeconds(silenceMs, random).toString(),
      labelSelector,
      fieldSelector,
    },
    timeoutMs: silenceMs,
    signal,
  };
}

/** The server ends a quiet watch shortly before it would count as dead; random, so that watches end at different times. */
function watchSeconds(silenceMs: number, random: () => number): number {
  return Math.max(1, Math.floor((silenceMs / 1000) * (0.75 + 0.2 * random())));
}

function eventVersion(event: unknown): string | undefined {
  const version = textField(field(field(event, 'object'), 'metadata'), 'resourceVersion');
  return version === '' ? undefined : version;
}
