import { createSums } from '../core/sums.ts';
import type { Log } from '../serve/log.ts';
import { field, textField } from './object.ts';
import { MemoryShares, type Share } from './memory-shares.ts';

export interface LeftOut {
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
}

/** A namespace may have any number of left out objects. */
const namedOfNamespace = 16;
const namespacesNamed = 256;

/** Decides which objects a store keeps, and logs once for each list that a namespace has more. */
export type ShareKeeper = ReturnType<typeof createShareKeeper>;

interface ShareKeeperOptions {
  readonly share?: Share;
  readonly kind: { readonly kind: string };
  readonly log?: Log;
}

export function createShareKeeper({ share, kind, log }: ShareKeeperOptions) {
  const room = share && new MemoryShares(share);
  const naming = createNaming();
  const reported = new Set<string>();
  return {
    named: naming.named as ReadonlyMap<string, LeftOut>,
    name: (object: LeftOut) => naming.name(object),
    /** Returns the keys that are now left out; the object's own may be among them. `bytes`: of its view, in the heap. */
    put(key: string, object: unknown, bytes: number): readonly string[] {
      if (!room) return [];
      const metadata = field(object, 'metadata');
      const namespace = textField(metadata, 'namespace');
      const createdAt = textField(metadata, 'creationTimestamp');
      const out = room.put({ key, namespace, createdAt, bytes });
      for (const leftOut of out) {
        const of = namespaceOf(leftOut);
        if (reported.has(of)) continue;
        reported.add(of);
        log?.warn({ kind: kind.kind, namespace: of, ...share, leftOut }, overText);
      }
      return out;
    },
    remove(key: string): void {
      naming.remove(key);
      room?.remove(key);
    },
    /** Removes all objects of a namespace, and its state. */
    forget(namespace: string): void {
      naming.forget(namespace);
      reported.delete(namespace);
      room?.forget(namespace);
    },
    isOver: (namespace: string) => room?.isOver(namespace) ?? false,
    /** Whether removals have made space for left out objects. */
    get hasSpace() {
      return room?.hasSpace ?? false;
    },
  };
}

const overText =
  'a namespace has more objects than its share holds (--namespace-share), or most of those of all namespaces, which together are more ' +
  'than this program keeps: the youngest are left out';

function namespaceOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}

function createNaming() {
  const named = new Map<string, LeftOut>();
  const counts = createSums<string>();
  const remove = (key: string) => {
    if (named.delete(key)) counts.add(namespaceOf(key), -1);
  };
  return {
    named,
    /** Records a left out object by name, for messages to its owners. Returns whether it was added. */
    name(object: LeftOut): boolean {
      const namespace = namespaceOf(object.key);
      const count = counts.of(namespace);
      if (named.has(object.key) || count >= namedOfNamespace) return false;
      if (count === 0 && counts.size >= namespacesNamed) return false;
      counts.add(namespace, 1);
      named.set(object.key, object);
      return true;
    },
    remove,
    forget(namespace: string) {
      if (counts.of(namespace) === 0) return;
      for (const key of named.keys()) if (namespaceOf(key) === namespace) remove(key);
    },
  };
}
