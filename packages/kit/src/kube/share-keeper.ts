import type { Log } from '../serve/log.ts';
import { field, textField } from './object.ts';
import { createRoom, type Room, type Share, type Weighed } from './room.ts';

/** What keeping an object costs, and whether it goes first. */
export interface Weight extends Pick<Weighed, 'bytes' | 'isNeeded'> {
  /** Kept whatever else there is, and not counted. The caller sees to it that nobody can make such objects at will. */
  readonly isExempt?: boolean;
}

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
  /** Returns the keys of what is to be left out, the object's own perhaps. */
  put(key: string, object: unknown, weight: Weight): readonly string[];
  remove(key: string): void;
  isOver(namespace: string): boolean;
  /** Some of what is left out, for its owners to be told. Returns whether it is one more. */
  name(object: LeftOut): boolean;
  readonly named: ReadonlyMap<string, LeftOut>;
  /** Whether what was removed left space for some of what is left out, or for much of it. */
  readonly space: 'none' | 'some' | 'much';
}

export interface ShareKeeperOptions {
  readonly share?: Share;
  readonly kind: { readonly kind: string };
  readonly log?: Log;
}

export function createShareKeeper({ share, kind, log }: ShareKeeperOptions): ShareKeeper {
  const room: Room | undefined = share && createRoom(share);
  const naming = createNaming();
  return {
    ...naming,
    put(key, object, weight) {
      if (!room || !share) return [];
      if (weight.isExempt === true) {
        room.remove(key);
        return [];
      }
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
      naming.named.delete(key);
      room?.remove(key);
    },
    isOver: (namespace) => room?.isOver(namespace) ?? false,
    get space() {
      if (!room || !share || room.freedBytes === 0) return 'none';
      return room.freedBytes < share.namespaceBytes / 2 ? 'some' : 'much';
    },
  };
}

/** Some of what is left out, by name. */
function createNaming() {
  const named = new Map<string, LeftOut>();
  const counts = new Map<string, number>();
  return {
    named,
    name(object: LeftOut): boolean {
      const namespace = object.key.slice(0, Math.max(0, object.key.indexOf('/')));
      const count = counts.get(namespace) ?? 0;
      if (named.has(object.key) || count >= namedOfNamespace) return false;
      if (count === 0 && counts.size >= namespacesNamed) return false;
      counts.set(namespace, count + 1);
      named.set(object.key, object);
      return true;
    },
  };
}
