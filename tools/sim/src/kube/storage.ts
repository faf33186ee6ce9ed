import { badRequest, expired } from './status.ts';
import { createCollection, type Collection } from './collection.ts';

/** One version of one object. Its text is what the wire carries, made once; nothing of it ever changes. */
export interface Stored {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  /** The JSON of the object without kind and apiVersion: `{"metadata":{…},…}`. */
  readonly text: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What field selectors may ask. */
  readonly fields: Readonly<Record<string, string>>;
  /** UIDs of its owners. */
  readonly owners: readonly string[];
  readonly terminating: boolean;
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly after: Stored;
  /** Absent for ADDED. */
  readonly before?: Stored;
}

export interface Page {
  readonly items: readonly Stored[];
  readonly version: number;
  readonly remaining: number;
  readonly continue?: string;
}

export interface PageRequest {
  readonly namespace?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly matches: (stored: Stored) => boolean;
}

export type ChangeListener = (id: string, change: Change) => void;

/** Objects by resource (`pods`, `azureidentities.aadpodidentity.k8s.io`), one counter of versions, and what changed lately. */
export interface Storage {
  readonly version: number;
  nextVersion(): number;
  collection(id: string): Collection;
  commit(id: string, change: Change): void;
  /** Changes after a version; undefined when some of them are forgotten. */
  changesSince(id: string, version: number): readonly Change[] | undefined;
  /** Whether a new watch may start there. */
  isForgotten(version: number): boolean;
  page(id: string, request: PageRequest): Page;
  /** Forgets all changes and all lists that are half read. */
  compact(): void;
  /** Called after each commit, in order. */
  onChange(listener: ChangeListener): () => void;
}

const snapshotsKept = 8;

interface Log {
  changes: Change[];
  /** The newest version that is forgotten. */
  forgotten: number;
}

/** Position of the first change after the version. */
function firstAfter(changes: readonly Change[], version: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle]?.version ?? Infinity) > version) high = middle;
    else low = middle + 1;
  }
  return low;
}

function trim(log: Log, limit: number): void {
  const surplus = log.changes.length - limit;
  // In big steps: cutting an array for each change would cost more than the change.
  if (surplus < limit / 4) return;
  log.forgotten = log.changes[surplus - 1]?.version ?? log.forgotten;
  log.changes = log.changes.slice(surplus);
}

/** @param historyLimit changes remembered for each resource: a watch from before them is answered with 410. */
export function createStorage(historyLimit = 10_000): Storage {
  const collections = new Map<string, Collection>();
  const logs = new Map<string, Log>();
  const listeners = new Set<ChangeListener>();
  const pages = createPages();
  let version = 1;
  let compacted = 0;

  const collection = (id: string): Collection => {
    const found = collections.get(id) ?? createCollection();
    collections.set(id, found);
    return found;
  };
  const logOf = (id: string): Log => {
    const found = logs.get(id) ?? { changes: [], forgotten: 0 };
    logs.set(id, found);
    return found;
  };

  return {
    get version() {
      return version;
    },
    nextVersion: () => (version += 1),
    collection,
    commit: (id, change) => {
      const { after } = change;
      if (change.type === 'DELETED') collection(id).remove(after.namespace, after.name);
      else collection(id).put(after);
      const log = logOf(id);
      log.changes.push(change);
      trim(log, historyLimit);
      for (const listener of [...listeners]) listener(id, change);
    },
    changesSince: (id, since) => {
      const log = logOf(id);
      return since < log.forgotten ? undefined : log.changes.slice(firstAfter(log.changes, since));
    },
    isForgotten: (since) => since < compacted,
    page: (id, request) =>
      pages.read(request, () => ({ version, all: collection(id).list(request.namespace) })),
    compact: () => {
      compacted = version;
      for (const log of logs.values()) {
        log.forgotten = log.changes.at(-1)?.version ?? log.forgotten;
        log.changes = [];
      }
      pages.clear();
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

interface Snapshot {
  readonly version: number;
  readonly items: readonly Stored[];
}

/**
 * A list that is read in pages shows one moment. So the rest of it is held, by a token; versions never change, hence
 * holding it costs one reference for each object.
 */
function createPages() {
  const snapshots = new Map<string, Snapshot>();
  let made = 0;

  const resume = (token: string): { snapshot: Snapshot; start: number; key: string } => {
    const [, key, start] = /^(\d+):(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
    if (key === undefined) throw badRequest('continue key is not valid');
    const snapshot = snapshots.get(key);
    if (!snapshot) {
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
      );
    }
    return { snapshot, start: Number(start), key };
  };
  const keep = (snapshot: Snapshot): string => {
    const key = String((made += 1));
    snapshots.set(key, snapshot);
    const [oldest] = snapshots.keys();
    if (snapshots.size > snapshotsKept && oldest !== undefined) snapshots.delete(oldest);
    return key;
  };

  return {
    clear: () => snapshots.clear(),
    read: (request: PageRequest, current: () => { version: number; all: readonly Stored[] }): Page => {
      const from = request.continue === undefined ? undefined : resume(request.continue);
      const start = from?.start ?? 0;
      const { version, items } = from?.snapshot ?? firstSnapshot(request, current());
      const end = request.limit ? start + request.limit : items.length;
      if (end >= items.length) return { items: start ? items.slice(start) : items, version, remaining: 0 };
      const key = from?.key ?? keep({ version, items });
      const token = Buffer.from(`${key}:${end}`).toString('base64url');
      return { items: items.slice(start, end), version, remaining: items.length - end, continue: token };
    },
  };
}

function firstSnapshot(request: PageRequest, now: { version: number; all: readonly Stored[] }): Snapshot {
  return { version: now.version, items: now.all.filter(request.matches) };
}
