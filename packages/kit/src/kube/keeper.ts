import type { Log } from '../serve/log.ts';
import { KubeError } from './errors.ts';
import { weigh, type NamespaceSums, type Weighed } from './namespace-sums.ts';
import { field, keyText, metadataOf } from './object.ts';
import type { Change, Versioned, WritableStore } from './store.ts';
import type { WantedNamespaces } from './wanted-namespaces.ts';

export interface KeeperOptions<V> {
  readonly kind: { readonly kind: string };
  /** Returns the part of an object to keep; undefined leaves the object out. */
  readonly trim: (object: unknown) => V | undefined;
  /** Limits what is kept of each namespace, by the JSON of the specs; default: no limit. */
  readonly namespaceBytes?: number | undefined;
  /** Keeps objects of those namespaces only that were passed to `want`. */
  readonly onlyWanted?: boolean;
  readonly log?: Log;
}

export interface Kept<V> extends Weighed {
  readonly item: Versioned<V>;
}
export type Keep<V> = (object: unknown) => Kept<V> | undefined;

const unweighed = { createdAt: '', bytes: 0 };

/** Objects that are left out, or whose trimming fails, are treated as missing. */
export function createKeeper<V>(options: KeeperOptions<V>, wanted: WantedNamespaces): Keep<V> {
  const { trim, kind, log, namespaceBytes, onlyWanted = false } = options;
  return (object) => {
    const metadata = metadataOf(object);
    if (!metadata || (onlyWanted && !wanted.has(metadata.namespace ?? ''))) return undefined;
    const key = keyText(metadata);
    try {
      const view = trim(object);
      if (view === undefined) return undefined;
      const { uid, resourceVersion } = metadata;
      const weight = namespaceBytes === undefined ? unweighed : weigh(object);
      return { key, uid, ...weight, item: { key, uid, resourceVersion, view } };
    } catch (error) {
      log?.error({ error, kind: kind.kind, key }, 'an object could not be read and is left out');
      return undefined;
    }
  };
}

export interface Taking<V> {
  readonly contents: WritableStore<V>;
  readonly keep: Keep<V>;
  readonly wanted: WantedNamespaces;
  sums: NamespaceSums;
}

export function takeEvent<V>(event: unknown, taking: Taking<V>): readonly Change<V>[] {
  const type = field(event, 'type');
  const object = field(event, 'object');
  if (type === 'BOOKMARK') return [];
  const metadata = metadataOf(object);
  if (!metadata)
    throw new KubeError('transport', `a watch event of type ${String(type)} has no named object`);
  const key = keyText(metadata);
  taking.wanted.touched(metadata.namespace ?? '', key);
  const kept = type === 'DELETED' ? undefined : taking.keep(object);
  return kept ? putObject(kept, taking) : removeObject(key, taking);
}

function removeObject<V>(key: string, { contents, sums }: Taking<V>): readonly Change<V>[] {
  sums.remove(key);
  return contents.remove(key);
}

export function putObject<V>(kept: Kept<V>, { contents, sums }: Taking<V>): readonly Change<V>[] {
  return sums.put(kept) ? contents.put(kept.item) : contents.remove(kept.key);
}
