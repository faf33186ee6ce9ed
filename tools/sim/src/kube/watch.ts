import { apiVersionOf, headOf, idOf, type ResourceType } from './resources.ts';
import { atVersion } from './record.ts';
import { expired } from './status.ts';
import type { Change, Storage, Stored } from './storage.ts';

export interface WatchRequest {
  readonly type: ResourceType;
  readonly matches: (stored: Stored) => boolean;
  /** Events after this version; undefined: first everything there is. */
  readonly since: number | undefined;
  readonly bookmarks: boolean;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  /** How an object is shown; whole when absent. */
  readonly show?: (stored: Stored) => string;
}

/** Runs later; the returned function calls it off. */
export type After = (ms: number, run: () => void) => () => void;

/** All watches that are open, and what may befall them. */
export interface Watches {
  readonly open: number;
  stream(request: WatchRequest): AsyncIterable<string>;
  /** Breaks all connections. */
  drop(): void;
  /** While stalled, watches stay open and say nothing, not even that their time is over. */
  stall(isStalled: boolean): void;
  /** Sends a bookmark to all who want one, now. */
  bookmark(): void;
}

interface Watch {
  readonly request: WatchRequest;
  readonly start: number;
  cursor: number;
  isOver: boolean;
  isBroken: boolean;
  owesBookmark: boolean;
  wake: () => void;
}

/** A line is made once for all watches that show the same. */
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

/** What a change looks like through a selector: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
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

export function createWatches(o: { storage: Storage; after: After; bookmarkMs: number }): Watches {
  const { storage, after, bookmarkMs } = o;
  const open = new Set<Watch>();
  let isStalled = false;
  storage.onChange((id) => {
    for (const watch of open) if (idOf(watch.request.type) === id) watch.wake();
  });
  const each = (change: (watch: Watch) => void): void => {
    for (const watch of open) {
      change(watch);
      watch.wake();
    }
  };

  /** Everything a watch has to say now. */
  const news = (watch: Watch): { text: string; isGone: boolean } => {
    const { request, cursor } = watch;
    const changes = storage.changesSince(idOf(request.type), cursor);
    if (!changes) {
      return { text: errorLine(`too old resource version: ${cursor} (${storage.version})`), isGone: true };
    }
    const text = changes.map((change) => seen(change, request)).join('');
    watch.cursor = storage.version;
    // As on the real server, a bookmark says what is new: none comes while nothing happened since the watch began.
    const isDue = request.bookmarks && (watch.owesBookmark || watch.isOver);
    const bookmark = isDue && watch.cursor > watch.start;
    watch.owesBookmark = false;
    return { text: bookmark ? text + bookmarkLine(request, watch.cursor) : text, isGone: false };
  };

  async function* events(watch: Watch): AsyncGenerator<string> {
    const { request } = watch;
    if (request.since === undefined) {
      const present = storage.collection(idOf(request.type)).list().filter(request.matches);
      if (present.length > 0) yield present.map((stored) => lineOf('ADDED', stored, request)).join('');
    } else if (storage.isForgotten(request.since)) {
      yield errorLine(`too old resource version: ${request.since} (${storage.version})`);
      return;
    }
    while (!request.signal.aborted) {
      if (watch.isBroken) throw new Error('the connection is broken on purpose');
      const { promise, resolve } = Promise.withResolvers<undefined>();
      watch.wake = () => resolve(undefined);
      if (!isStalled) {
        const isLast = watch.isOver;
        const { text, isGone } = news(watch);
        if (text !== '') yield text;
        if (isLast || isGone) return;
      }
      await promise;
    }
  }

  async function* stream(request: WatchRequest): AsyncGenerator<string> {
    const start = request.since ?? storage.version;
    const watch: Watch = {
      request,
      start,
      cursor: start,
      isOver: false,
      isBroken: false,
      owesBookmark: false,
      wake: () => undefined,
    };
    const wake = () => watch.wake();
    request.signal.addEventListener('abort', wake);
    const callOff = startTimers(watch, after, bookmarkMs);
    open.add(watch);
    try {
      yield* events(watch);
    } finally {
      open.delete(watch);
      callOff();
      request.signal.removeEventListener('abort', wake);
    }
  }

  return {
    get open() {
      return open.size;
    },
    stream,
    drop: () => each((watch) => (watch.isBroken = true)),
    stall: (stalled) => {
      isStalled = stalled;
      each(() => undefined);
    },
    bookmark: () => each((watch) => (watch.owesBookmark = true)),
  };
}

function startTimers(watch: Watch, after: After, bookmarkMs: number): () => void {
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
