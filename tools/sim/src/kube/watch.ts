import { apiVersionOf, headOf, idOf, type ResourceType } from './resources.ts';
import { atVersion } from './record.ts';
import { expired } from './status.ts';
import type { Storage } from './storage.ts';
import type { Change, Stored } from './stored.ts';

export interface WatchRequest {
  readonly type: ResourceType;
  readonly matches: (stored: Stored) => boolean;
  /** Events after this version; undefined: first all current objects. */
  readonly since: number | undefined;
  readonly bookmarks: boolean;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  /** The representation of an object. Default: the whole object. */
  readonly show?: (stored: Stored) => string;
}

/** Runs later; the returned function cancels it. */
export type After = (ms: number, run: () => void) => () => void;

/** All open watches, and their faults. */
export interface Watches {
  readonly open: number;
  stream(request: WatchRequest): AsyncIterable<string>;
  /** Closes all connections. */
  drop(): void;
  /** While stalled, watches stay open and send nothing, and do not end. */
  stall(isStalled: boolean): void;
  /** The open watches stay open and never send anything again; later ones work. */
  strand(): void;
  /** Sends a bookmark to all watches that requested them. */
  bookmark(): void;
}

interface Watch {
  readonly request: WatchRequest;
  readonly start: number;
  cursor: number;
  /** It has not sent the current objects yet. */
  owesPresent: boolean;
  owesBookmark: boolean;
  isOver: boolean;
  isBroken: boolean;
  isStranded: boolean;
  wake: () => void;
}

/** A line is serialized once for all watches with the same representation. */
const lines = new WeakMap<Stored, Map<string, string>>();

function lineOf(type: Change['type'], stored: Stored, request: WatchRequest): string {
  const { show } = request;
  if (show) return `{"type":"${type}","object":${show(stored)}}\n`;
  const head = headOf(request.type);
  const known = lines.get(stored) ?? new Map<string, string>();
  lines.set(stored, known);
  const key = `${type} ${head}`;
  const line = known.get(key) ?? `{"type":"${type}","object":${head}${stored.text.slice(1)}}\n`;
  known.set(key, line);
  return line;
}

/** A change as seen through a selector: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
function seen({ type, before, after, version }: Change, request: WatchRequest): string {
  const was = before !== undefined && request.matches(before);
  const is = type !== 'DELETED' && request.matches(after);
  if (is) return lineOf(was ? 'MODIFIED' : 'ADDED', after, request);
  if (!was) return '';
  return lineOf('DELETED', type === 'DELETED' ? after : atVersion(request.type, before, version), request);
}

const errorLine = (message: string): string =>
  `${JSON.stringify({ type: 'ERROR', object: expired(message).body() })}\n`;

function bookmarkLine({ type }: WatchRequest, version: number): string {
  const metadata = { resourceVersion: String(version), creationTimestamp: null };
  return `${JSON.stringify({ type: 'BOOKMARK', object: { kind: type.kind, apiVersion: apiVersionOf(type), metadata } })}\n`;
}

interface World {
  readonly storage: Storage;
  readonly after: After;
  readonly bookmarkMs: number;
  readonly open: Set<Watch>;
  isStalled: boolean;
}

const tooOld = (version: number, current: number): string =>
  errorLine(`too old resource version: ${version} (${current})`);

/** The current objects, for a watch without a version. */
function present({ storage }: World, { request }: Watch): string {
  const all = storage.collection(idOf(request.type)).list().filter(request.matches);
  return all.map((stored) => lineOf('ADDED', stored, request)).join('');
}

interface News {
  readonly text: string;
  readonly isLast: boolean;
}

/** All pending events of a watch. */
function news(world: World, watch: Watch): News {
  if (world.isStalled || watch.isStranded) return { text: '', isLast: false };
  const { storage } = world;
  const { request, cursor, isOver } = watch;
  const changes = storage.changesSince(idOf(request.type), cursor);
  if (!changes) return { text: tooOld(cursor, storage.version), isLast: true };
  const before = watch.owesPresent ? present(world, watch) : '';
  // The current objects include the changes.
  const text = before + (watch.owesPresent ? '' : changes.map((change) => seen(change, request)).join(''));
  watch.cursor = storage.version;
  // As in the real server, there are no bookmarks without changes since the watch began.
  const isDue = request.bookmarks && (watch.owesBookmark || isOver) && watch.cursor > watch.start;
  watch.owesBookmark = false;
  watch.owesPresent = false;
  return { text: isDue ? text + bookmarkLine(request, watch.cursor) : text, isLast: isOver };
}

async function* events(world: World, watch: Watch): AsyncGenerator<string> {
  const { since, signal } = watch.request;
  if (since !== undefined && world.storage.isForgotten(since)) {
    yield tooOld(since, world.storage.version);
    return;
  }
  while (!signal.aborted) {
    if (watch.isBroken) throw new Error('the connection is broken on purpose');
    const { promise, resolve } = Promise.withResolvers<undefined>();
    watch.wake = () => resolve(undefined);
    const { text, isLast } = news(world, watch);
    if (text !== '') yield text;
    if (isLast) return;
    await promise;
  }
}

async function* stream(world: World, request: WatchRequest): AsyncGenerator<string> {
  const start = request.since ?? world.storage.version;
  const watch: Watch = {
    request,
    start,
    cursor: start,
    owesPresent: request.since === undefined,
    owesBookmark: false,
    isOver: false,
    isBroken: false,
    isStranded: false,
    wake: () => undefined,
  };
  const wake = () => watch.wake();
  request.signal.addEventListener('abort', wake);
  const callOff = startTimers(watch, world);
  world.open.add(watch);
  try {
    yield* events(world, watch);
  } finally {
    world.open.delete(watch);
    callOff();
    request.signal.removeEventListener('abort', wake);
  }
}

export function createWatches(options: {
  readonly storage: Storage;
  readonly after: After;
  readonly bookmarkMs: number;
}): Watches {
  const world: World = { ...options, open: new Set(), isStalled: false };
  const each = (change: (watch: Watch) => void): void => {
    for (const watch of world.open) {
      change(watch);
      watch.wake();
    }
  };
  world.storage.onChange((id) => {
    for (const watch of world.open) if (idOf(watch.request.type) === id) watch.wake();
  });
  return {
    get open() {
      return world.open.size;
    },
    stream: (request) => stream(world, request),
    drop: () => each((watch) => (watch.isBroken = true)),
    stall: (isStalled) => {
      world.isStalled = isStalled;
      each(() => undefined);
    },
    strand: () => each((watch) => (watch.isStranded = true)),
    bookmark: () => each((watch) => (watch.owesBookmark = true)),
  };
}

function startTimers(watch: Watch, { after, bookmarkMs }: World): () => void {
  const { timeoutMs, bookmarks } = watch.request;
  const end = () => {
    watch.isOver = true;
    watch.wake();
  };
  const bookmark = () => {
    watch.owesBookmark = true;
    watch.wake();
    callOffBookmark = after(bookmarkMs, bookmark);
  };
  const callOffEnd = timeoutMs === undefined ? undefined : after(timeoutMs, end);
  let callOffBookmark = bookmarks ? after(bookmarkMs, bookmark) : undefined;
  return () => {
    callOffEnd?.();
    callOffBookmark?.();
  };
}
