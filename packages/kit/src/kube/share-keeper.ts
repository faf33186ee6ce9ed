import type { Log } from '../serve/log.ts';
import { field, textField } from './object.ts';
import { createRoom, type Room, type Share, type Weighed } from './room.ts';

/** What keeping an object costs, and whether it goes first. */
export type Weight = Pick<Weighed, 'bytes' | 'isNeeded'>;

/** An object that is left out because its namespace is over its share. */
export interface LeftOut {
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
}

/** Of each namespace so many are named: it may have any number of them. */
const namedOfNamespace = 16;
const namespacesNamed = 256;

/** Decides for one store which objects are kept, and says once for each list that a namespace has more. */
export interface ShareKeeper {
  /** Answers the keys of what is to be left out, the object's own perhaps. */
  put(key: string, object: unknown, weight: Weight): readonly string[];
  remove(key: string): void;
  isOver(namespace: string): boolean;
  /** Some of what is left out, for its owners to be told. Answers whether it is one more. */
  name(object: LeftOut): boolean;
  readonly named: ReadonlyMap<string, LeftOut>;
  readonly hasSpace: boolean;
}

export interface ShareKeeperOptions {
  readonly share?: Share;
  readonly kind: { readonly kind: string };
  readonly log?: Log;
}

export function createShareKeeper({ share, kind, log }: ShareKeeperOptions): ShareKeeper {
  const room: Room | undefined = share && createRoom(share);
  const named = new Map<string, LeftOut>();
  const counts = new Map<string, number>();
  return {
    put(key, object, weight) {
      if (!room || !share) return [];
      const metadata = field(object, 'metadata');
      const namespace = textField(metadata, 'namespace');
      const wasOver = room.isOver(namespace);
      const out = room.put({
        key,
        namespace,
        createdAt: textField(metadata, 'creationTimestamp'),
        ...weight,
      });
      if (!wasOver && room.isOver(namespace))
        log?.warn(
          { kind: kind.kind, namespace, maxBytes: share.namespaceBytes, leftOut: out.at(-1) },
          'a namespace has more objects than its share holds: the youngest are left out (--namespace-share)',
        );
      return out;
    },
    remove(key) {
      named.delete(key);
      room?.remove(key);
    },
    named,
    name(object) {
      const namespace = object.key.slice(0, Math.max(0, object.key.indexOf('/')));
      const count = counts.get(namespace) ?? 0;
      if (named.has(object.key) || count >= namedOfNamespace) return false;
      if (count === 0 && counts.size >= namespacesNamed) return false;
      counts.set(namespace, count + 1);
      named.set(object.key, object);
      return true;
    },
    isOver: (namespace) => room?.isOver(namespace) ?? false,
    get hasSpace() {
      return room?.hasSpace ?? false;
    },
  };
}
