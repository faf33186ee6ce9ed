export type Change<V> =
  | { readonly type: 'added'; readonly key: string; readonly after: V }
  | { readonly type: 'updated'; readonly key: string; readonly before: V; readonly after: V }
  | { readonly type: 'deleted'; readonly key: string; readonly before: V };

/** What is known of one kind of object. Keys are `namespace/name`, or `name` without a namespace. */
export interface Store<V> {
  get(key: string): V | undefined;
  values(): IterableIterator<V>;
  /** The views that the index files under this value; empty for an unknown value, TypeError for an unknown index. */
  by(index: string, value: string): readonly V[];
  readonly size: number;
  /** Grows with every change: equal revisions mean equal content. */
  readonly revision: number;
}

export type Indexes<V> = Readonly<Record<string, (view: V) => readonly string[]>>;
