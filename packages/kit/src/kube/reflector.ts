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
  /** What is read of each object; `trim` sees nothing else. All of it without. */
  readonly fields?: Fields;
  /** The part of an object worth keeping; undefined leaves the object out. */
  readonly trim: (object: unknown) => V | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log?: Log;
  /** How much is kept; all of it without. */
  readonly share?: Share;
  /** What a view counts in the share; without, what was read of the object. */
  readonly weigh?: (view: V) => Weight;
  /**
   * A list that was asked for, or for which half a share has become free, is made at the end of a watch, so long after the last
   * one; ten minutes unless told.
   */
  readonly relistMs?: number;
  /** Objects per page of a list; 500 unless told. Fewer once a page was too much for the API server. */
  readonly pageSize?: number;
  /** There is one on every node: what the API server can answer from memory should not cost its database a read. */
  readonly isPerNode?: boolean;
  /** A watch that says nothing for so long, not even a bookmark, is taken for dead; 28 s unless told. */
  readonly silenceMs?: number;
}

/** Copies the API server's objects into a store, one list or one watch at a time. When to do which is not decided here. */
export interface Reflector {
  /** Replaces the content of the store by what the API server has. */
  list(signal: AbortSignal): Promise<void>;
  /** Follows the changes from `version` on until the server ends the watch. `onOpen`: the server has agreed to it. */
  watch(signal: AbortSignal, onOpen: () => void): Promise<void>;
  /** Makes the next step a list. The store keeps what it has until then. */
  forget(): void;
  /** Asks for a list for the sake of what is left out. */
  askForList(): void;
  /** Where a watch would resume; undefined when all must be listed. */
  readonly version: string | undefined;
  readonly listed: boolean;
  /** Lists and events so far. */
  readonly heard: number;
  /** When the API server last proved to be there, even by ending a watch; -Infinity before the first time. */
  readonly heardAt: number;
  /** What is left out. */
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

/** A half-open connection is noticed within 30 s. Shorter costs the API server more: each watch is opened again that often. */
const defaultSilenceMs = 28_000;
/** Where a share has some room again, what was left out is looked for no sooner than this after the last list. */
const longRelistMs = 10 * 60_000;

export function createReflector<V>(
  options: ReflectorOptions<V>,
  contents: WritableStore<V>,
  { apply, onLeftOut }: ReflectorEars<V>,
): Reflector {
  const { transport, clock, weigh } = options;
  const state: Progress = { version: undefined, listed: false, heard: 0, heardAt: -Infinity };
  const keep = createKeeper(options);
  let shares = createShareKeeper(options);
  const [origin, relist] = [createListOrigin(options), createRelist(options)];
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
          apply(take(event, { contents, keep, shares, weigh, onLeftOut }));
          state.version = eventVersion(event) ?? state.version;
          origin.reached(state.version);
        }
        if (!signal.aborted) state.heardAt = clock.elapsed();
      } finally {
        if (relist.isDue(shares.space)) state.version = undefined;
      }
    },
  });
}

/** When to look for what is left out. */
function createRelist({
  clock,
  relistMs: soonMs = longRelistMs,
}: Pick<ReflectorOptions<never>, 'clock' | 'relistMs'>) {
  let listedAt = -Infinity;
  let isAskedFor = false;
  return {
    ask: () => void (isAskedFor = true),
    /** Whoever asks after this may know of more than the list will contain: another list is needed then. */
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

/** The server ends a quiet watch a little before we would take it for dead; not all watches at the same moment. */
function watchSeconds(silenceMs: number, random: () => number): number {
  return Math.max(1, Math.floor((silenceMs / 1000) * (0.75 + 0.2 * random())));
}

type Keep<V> = (object: unknown) => Versioned<V> | undefined;

/** Objects that are left out, or that the trimming stumbles over, are as good as not there. */
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
