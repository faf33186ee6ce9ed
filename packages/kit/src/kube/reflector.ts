import type { Clock } from '../core/clock.ts';
import type { Log } from '../serve/log.ts';
import { KubeError } from './errors.ts';
import type { Fields } from './fields.ts';
import type { ResourceKind } from './kinds.ts';
import { readList } from './list.ts';
import { createListOrigin, type ListOrigin } from './list-origin.ts';
import { collectionPath, field, keyText, metadataOf, textField } from './object.ts';
import type { Change, Versioned, WritableStore } from './store.ts';
import type { Share } from './room.ts';
import { createShareKeeper, type LeftOut, type ShareKeeper, type Weight } from './share-keeper.ts';
import { createTooLargeLog } from './too-large-log.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

export interface ReflectorOptions<V> {
  readonly transport: KubeTransport;
  readonly kind: ResourceKind;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The parts of each object that are read and passed to `trim`; default: all. */
  readonly fields?: Fields;
  /** Returns the part of an object to keep; undefined leaves the object out. */
  readonly trim: (object: unknown) => V | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log?: Log;
  /** Limits how much is kept; default: no limit. */
  readonly share?: Share;
  /** Weight of a view in the share; default: the bytes read. */
  readonly weigh?: (view: V) => Weight;
  /**
   * A list that was requested, or for which half a share has become free, is made at the end of a watch, at least so long after the last
   * list; default 10 minutes.
   */
  readonly relistMs?: number;
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
  /** Requests a list that may include left out objects. */
  askForList(): void;
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
/** Minimum time between lists when a share has only some free space. */
const longRelistMs = 10 * 60_000;

export function createReflector<V>(
  options: ReflectorOptions<V>,
  contents: WritableStore<V>,
  { apply, onLeftOut }: ReflectorEars<V>,
): Reflector {
  const { transport, clock, weigh } = options;
  const state: Progress = { version: undefined, listed: false, heard: 0, heardAt: -Infinity };
  let shares = createShareKeeper(options);
  const [keep, origin, relist] = [createKeeper(options), createListOrigin(options), createRelist(options)];
  const hear = () => {
    state.heard += 1;
    state.heardAt = clock.elapsed();
  };

  return Object.assign(state, {
    forget: () => void (state.version = undefined),
    askForList: relist.ask,
    shares: () => shares,

    async list(signal: AbortSignal) {
      relist.begins();
      const { kept, listed, version } = await readAll(options, { keep, signal, origin });
      hear();
      shares = listed;
      relist.listed();
      Object.assign(state, { version, listed: true });
      origin.reached(version);
      apply(contents.replaceAll([...kept.values()]));
      for (const object of shares.named.values()) onLeftOut(object);
    },

    async watch(signal: AbortSignal, onOpen: () => void) {
      const events = transport.watch({ ...watchRequest(options, state.version, signal), onOpen });
      try {
        for await (const event of events) {
          hear();
          const changes = take(event, { contents, keep, shares, weigh, onLeftOut });
          state.version = eventVersion(event) ?? state.version;
          origin.reached(state.version);
          apply(changes);
        }
        if (!signal.aborted) state.heardAt = clock.elapsed();
      } finally {
        if (relist.isDue(shares.space)) state.version = undefined;
      }
    },
  });
}

/** Decides when to list again for left out objects. */
function createRelist({
  clock,
  relistMs: soonMs = longRelistMs,
}: Pick<ReflectorOptions<never>, 'clock' | 'relistMs'>) {
  let listedAt = -Infinity;
  let isAskedFor = false;
  return {
    ask: () => void (isAskedFor = true),
    /** Later requests may concern objects that this list does not contain, and need another list. */
    begins: () => void (isAskedFor = false),
    listed: () => void (listedAt = clock.elapsed()),
    isDue: (space: ShareKeeper['space']) => {
      if (space === 'none' && !isAskedFor) return false;
      return clock.elapsed() - listedAt >= (isAskedFor || space === 'much' ? soonMs : longRelistMs);
    },
  };
}

interface ReadAll<V> {
  readonly keep: Keep<V>;
  readonly signal: AbortSignal;
  readonly origin: ListOrigin;
}

async function readAll<V>(options: ReflectorOptions<V>, { keep, signal, origin }: ReadAll<V>) {
  const { weigh } = options;
  const kept = new Map<string, Versioned<V>>();
  let listed = createShareKeeper(options);
  const taker = {
    begin() {
      kept.clear();
      listed = createShareKeeper(options);
    },
    take(object: unknown, bytes: number) {
      const item = keep(object);
      if (!item) return;
      kept.set(item.key, item);
      for (const key of listed.put(item.key, object, weigh?.(item.view) ?? { bytes })) {
        listed.name({ key, uid: kept.get(key)?.uid ?? '' });
        kept.delete(key);
      }
    },
  };
  const version = await origin.ask((from) => readList({ ...options, ...from, signal }, taker));
  return { kept, listed, version };
}

function watchRequest<V>(
  options: ReflectorOptions<V>,
  version: string | undefined,
  signal: AbortSignal,
): KubeRequest {
  const { kind, namespace, labelSelector, fieldSelector, fields } = options;
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
    ...(fields ? { fields } : {}),
  };
}

/** The server ends a quiet watch shortly before it would count as dead; random, so that watches end at different times. */
function watchSeconds(silenceMs: number, random: () => number): number {
  return Math.max(1, Math.floor((silenceMs / 1000) * (0.75 + 0.2 * random())));
}

type Keep<V> = (object: unknown) => Versioned<V> | undefined;

/** Objects that are left out, or whose trimming fails, are treated as missing. */
function createKeeper<V>({ trim, kind, log, clock }: ReflectorOptions<V>): Keep<V> {
  const tellTooLarge = createTooLargeLog(log, clock, kind.kind);
  return (object) => {
    const metadata = metadataOf(object);
    if (!metadata) return undefined;
    const key = keyText(metadata);
    tellTooLarge(key, object);
    try {
      const view = trim(object);
      const { uid, resourceVersion } = metadata;
      return view === undefined ? undefined : { key, uid, resourceVersion, view };
    } catch (error) {
      log?.error({ error, kind: kind.kind, key }, 'an object could not be read and is left out');
      return undefined;
    }
  };
}

interface Taking<V> {
  readonly contents: WritableStore<V>;
  readonly keep: Keep<V>;
  readonly shares: ShareKeeper;
  readonly weigh: ReflectorOptions<V>['weigh'];
  readonly onLeftOut: (object: LeftOut) => void;
}

function take<V>(
  event: unknown,
  { contents, keep, shares, weigh, onLeftOut }: Taking<V>,
): readonly Change<V>[] {
  const type = field(event, 'type');
  const object = field(event, 'object');
  if (type === 'BOOKMARK') return [];
  const metadata = metadataOf(object);
  if (!metadata)
    throw new KubeError('transport', `a watch event of type ${String(type)} has no named object`);
  const tellLeftOut = (left: LeftOut) => {
    if (shares.name(left)) onLeftOut(left);
  };
  const kept = type === 'DELETED' ? undefined : keep(object);
  const key = keyText(metadata);
  if (!kept) {
    shares.remove(key);
    return contents.remove(key);
  }
  const out = shares.put(key, object, weigh?.(kept.view) ?? { bytes: bytesRead(event) });
  for (const left of out) tellLeftOut({ key: left, uid: left === key ? kept.uid : contents.uidOf(left) });
  const changes = out.flatMap((other) => contents.remove(other));
  return out.includes(key) ? changes : [...changes, ...contents.put(kept)];
}

function bytesRead(event: unknown): number {
  const bytes = field(event, 'bytes');
  return typeof bytes === 'number' ? bytes : 0;
}

function eventVersion(event: unknown): string | undefined {
  const version = textField(field(field(event, 'object'), 'metadata'), 'resourceVersion');
  return version === '' ? undefined : version;
}
