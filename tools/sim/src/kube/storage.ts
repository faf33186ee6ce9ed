import { createChangeLog } from './change-log.ts';
import { createCollection, type Collection } from './collection.ts';
import { createPages, type Page, type PageRequest } from './pages.ts';
import type { Change } from './stored.ts';

export type ChangeListener = (id: string, change: Change) => void;

/** Objects by resource (`pods`, `azureidentities.aadpodidentity.k8s.io`), one counter of versions, and the recent changes. */
export interface Storage {
  readonly version: number;
  nextVersion(): number;
  collection(id: string): Collection;
  commit(id: string, change: Change): void;
  /** Changes after a version; undefined if some of them are no longer kept. */
  changesSince(id: string, version: number): readonly Change[] | undefined;
  /** Whether a new watch may start there. */
  isForgotten(version: number): boolean;
  page(id: string, request: PageRequest): Page;
  /** Drops all changes and all lists with unread pages. */
  compact(): void;
  /** Called after each commit, in order. */
  onChange(listener: ChangeListener): () => void;
}

/** @param historyLimit changes that are kept for each resource: a watch from before them gets 410. */
export function createStorage(historyLimit = 10_000): Storage {
  const collections = createByName(createCollection);
  const logs = createByName(() => createChangeLog(historyLimit));
  const listeners = new Set<ChangeListener>();
  const pages = createPages();
  let version = 1;
  let compacted = 0;

  return {
    get version() {
      return version;
    },
    nextVersion: () => (version += 1),
    collection: (id) => collections.get(id),
    commit: (id, change) => {
      const { after } = change;
      if (change.type === 'DELETED') collections.get(id).remove(after.namespace, after.name);
      else collections.get(id).put(after);
      logs.get(id).push(change);
      for (const listener of [...listeners]) listener(id, change);
    },
    changesSince: (id, since) => logs.get(id).since(since),
    isForgotten: (since) => since < compacted,
    page: (id, request) =>
      pages.read(request, () => ({
        version,
        items: collections.get(id).list(request.namespace).filter(request.matches),
      })),
    compact: () => {
      compacted = version;
      for (const log of logs.values()) log.forget();
      pages.forget();
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** One value for each name, created at its first use. */
function createByName<T>(make: () => T) {
  const made = new Map<string, T>();
  return {
    values: () => made.values(),
    get: (name: string): T => {
      const found = made.get(name) ?? make();
      made.set(name, found);
      return found;
    },
  };
}
