import { heapBytes } from '../core/heap-bytes.ts';
import type { Log } from '../serve/log.ts';
import { KubeError } from './errors.ts';
import { field, keyText, metadataOf } from './object.ts';
import type { Share } from './memory-shares.ts';
import type { LeftOut, ShareKeeper } from './share-keeper.ts';
import type { Change, Versioned, WritableStore } from './store.ts';
import type { WantedNamespaces } from './wanted-namespaces.ts';

export interface KeeperOptions<V> {
  readonly kind: { readonly kind: string };
  /** Returns the part of an object to keep; undefined leaves the object out. */
  readonly trim: (object: unknown) => V | undefined;
  /** Limits how much is kept; default: no limit. */
  readonly share?: Share;
  /** A part of the view that this program itself writes weighs at least so many bytes, so that such a write leaves out no object. */
  readonly reserve?: { readonly of: (view: V) => unknown; readonly bytes: number };
  /** Keeps objects of those namespaces only that were passed to `want`. */
  readonly onlyWanted?: boolean;
  readonly log?: Log;
}

export type Kept<V> = Versioned<V> & { readonly bytes: number };
export type Keep<V> = (object: unknown) => Kept<V> | undefined;

/** Objects that are left out, or whose trimming fails, are treated as missing. */
export function createKeeper<V>(options: KeeperOptions<V>, wanted: WantedNamespaces): Keep<V> {
  const { trim, kind, log, share, reserve, onlyWanted = false } = options;
  return (object) => {
    const metadata = metadataOf(object);
    if (!metadata || (onlyWanted && !wanted.has(metadata.namespace ?? ''))) return undefined;
    const key = keyText(metadata);
    try {
      const view = trim(object);
      if (view === undefined) return undefined;
      const { uid, resourceVersion } = metadata;
      const item = { key, uid, resourceVersion, view };
      // The size is needed only for shares.
      return { ...item, bytes: share ? heapBytes(item) + unusedReserve(view, reserve) : 0 };
    } catch (error) {
      log?.error({ error, kind: kind.kind, key }, 'an object could not be read and is left out');
      return undefined;
    }
  };
}

function unusedReserve<V>(view: V, reserve: KeeperOptions<V>['reserve']): number {
  return reserve ? Math.max(0, reserve.bytes - heapBytes(reserve.of(view))) : 0;
}

export interface Taking<V> {
  readonly contents: WritableStore<V>;
  readonly keep: Keep<V>;
  readonly wanted: WantedNamespaces;
  readonly onLeftOut: (object: LeftOut) => void;
  shares: ShareKeeper;
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
  return type === 'DELETED' ? removeObject(key, taking) : putObject(object, taking);
}

function removeObject<V>(key: string, { contents, shares }: Taking<V>): readonly Change<V>[] {
  shares.remove(key);
  return contents.remove(key);
}

export function putObject<V>(object: unknown, taking: Taking<V>): readonly Change<V>[] {
  const { contents, keep, shares, onLeftOut } = taking;
  const kept = keep(object);
  if (!kept) return removeObject(keyText(metadataOf(object) ?? { name: '' }), taking);
  const { bytes, ...item } = kept;
  const { key, uid } = item;
  const out = shares.put(key, object, bytes);
  for (const left of out) {
    const leftOut = { key: left, uid: left === key ? uid : contents.uidOf(left) };
    if (shares.name(leftOut)) onLeftOut(leftOut);
  }
  const changes = out.flatMap((other) => contents.remove(other));
  return out.includes(key) ? changes : [...changes, ...contents.put(item)];
}
