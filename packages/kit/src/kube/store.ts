export type Change<V> =
  | { readonly type: 'added'; readonly key: string; readonly after: V }
  | { readonly type: 'updated'; readonly key: string; readonly before: V; readonly after: V }
  | { readonly type: 'deleted'; readonly key: string; readonly before: V };

/** Objects of one kind. Keys are `namespace/name`, or `name` without a namespace. */
export interface Store<V> {
  get(key: string): V | undefined;
  values(): IterableIterator<V>;
  /** The views with this value in the index; empty for an unknown value, TypeError for an unknown index. */
  by(index: string, value: string): readonly V[];
  readonly size: number;
  /** Increases with every change: equal revisions mean equal content. */
  readonly revision: number;
}

export type Indexes<V> = Readonly<Record<string, (view: V) => readonly string[]>>;

export interface Versioned<V> {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly view: V;
}

/** The store and its writers, which return the changes in order. */
export type WritableStore<V> = ReturnType<typeof createStore<V>>;

/** An in-memory map with secondary indexes. Keeps the view, uid and version of each object. */
export function createStore<V>(indexes: Indexes<V> = {}) {
  const table = createTable(indexes);

  const put = (object: Versioned<V>): readonly Change<V>[] => {
    const { key } = object;
    const before = table.entries.get(key);
    if (before?.uid === object.uid) {
      if (before.resourceVersion === object.resourceVersion) return [];
      table.enter(object, before);
      return [{ type: 'updated', key, before: before.view, after: object.view }];
    }
    // Another uid: the object was deleted and recreated in between.
    const changes = remove(key);
    table.enter(object);
    return [...changes, { type: 'added', key, after: object.view }];
  };
  const remove = (key: string): readonly Change<V>[] => {
    const before = table.entries.get(key);
    if (!before) return [];
    table.leave(before);
    return [{ type: 'deleted', key, before: before.view }];
  };

  return {
    store: table.store,
    put,
    remove,
    /** The stored object, if it has the same uid and version. */
    same: (object: Versioned<V>): Versioned<V> | undefined => {
      const known = table.entries.get(object.key);
      return known?.uid === object.uid && known.resourceVersion === object.resourceVersion
        ? known
        : undefined;
    },
    keysOf: (namespace: string) => [...table.entries.keys()].filter((key) => key.startsWith(`${namespace}/`)),
    /** Replaces the whole content; unchanged objects cause no change. */
    replaceAll: (objects: readonly Versioned<V>[]): readonly Change<V>[] => {
      const listed = new Set(objects.map(({ key }) => key));
      const vanished = [...table.entries.keys()].filter((key) => !listed.has(key));
      // Deletions first: an address or label that moved to another object is free before it is assigned.
      return [...vanished.map(remove), ...objects.map(put)].flat();
    },
  };
}

function createTable<V>(indexes: Indexes<V>) {
  const entries = new Map<string, Versioned<V>>();
  const shelves = new Map(Object.entries(indexes).map(([name, valuesOf]) => [name, createShelf(valuesOf)]));
  let revision = 0;

  const store: Store<V> = {
    get: (key) => entries.get(key)?.view,
    *values() {
      for (const { view } of entries.values()) yield view;
    },
    by(index, value) {
      const shelf = shelves.get(index);
      if (!shelf) throw new TypeError(`there is no index "${index}"`);
      return shelf.find(value);
    },
    get size() {
      return entries.size;
    },
    get revision() {
      return revision;
    },
  };
  return {
    store,
    entries,
    enter(object: Versioned<V>, before?: Versioned<V>) {
      revision += 1;
      entries.set(object.key, object);
      for (const shelf of shelves.values()) {
        if (before) shelf.drop(before);
        shelf.add(object);
      }
    },
    leave(object: Versioned<V>) {
      revision += 1;
      entries.delete(object.key);
      for (const shelf of shelves.values()) shelf.drop(object);
    },
  };
}

/** One index. Most values have one object, so a set is created only for the second one; this matters with 100,000 objects. */
function createShelf<V>(valuesOf: (view: V) => readonly string[]) {
  const rules = new Map<string, Versioned<V> | Set<Versioned<V>>>();
  return {
    add(object: Versioned<V>) {
      for (const value of valuesOf(object.view)) {
        const rule = rules.get(value);
        if (rule === undefined) rules.set(value, object);
        else if (rule instanceof Set) rule.add(object);
        else if (rule !== object) rules.set(value, new Set([rule, object]));
      }
    },
    drop(object: Versioned<V>) {
      for (const value of valuesOf(object.view)) {
        const rule = rules.get(value);
        if (rule instanceof Set) rule.delete(object);
        if (rule === object || (rule instanceof Set && rule.size === 0)) rules.delete(value);
      }
    },
    find(value: string): readonly V[] {
      const rule = rules.get(value);
      if (rule === undefined) return [];
      return rule instanceof Set ? Array.from(rule, ({ view }) => view) : [rule.view];
    },
  };
}
