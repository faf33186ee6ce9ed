// What this MIC has written and not yet seen come back through the watch. Until it has, a plan made from the watched
// state would ask for the same write again.
export interface Seen {
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface Echoes {
  /** The object was written: it is settled once the watch shows this version or a later one. `seen`: what it shows now. */
  wrote(key: string, resourceVersion: string, seen: Seen | undefined): void;
  /** The object was deleted: it is settled once the watch shows it gone, or another one in its place. */
  removed(key: string, uid: string, seen: Seen | undefined): void;
  /** The watch brought news: the object as it is now, undefined when it is gone. */
  heard(key: string, object: Seen | undefined): void;
  /** Until when the object is to be left alone; undefined when it is settled. */
  pendingUntil(key: string): number | undefined;
}

/** An echo that never comes (it was overtaken by a relist, say) is given up after this: a write repeated is harmless. */
export const echoPatienceMs = 15_000;

type Awaited =
  | { readonly kind: 'version'; readonly resourceVersion: string; readonly until: number }
  | { readonly kind: 'gone'; readonly uid: string; readonly until: number };

export function createEchoes(now: () => number): Echoes {
  const awaited = new Map<string, Awaited>();
  const until = () => now() + echoPatienceMs;
  return {
    wrote(key, resourceVersion, seen) {
      // The watch may be faster than the answer to the write.
      if (seen && !isOlder(seen.resourceVersion, resourceVersion)) awaited.delete(key);
      else awaited.set(key, { kind: 'version', resourceVersion, until: until() });
    },
    removed(key, uid, seen) {
      if (seen?.uid === uid) awaited.set(key, { kind: 'gone', uid, until: until() });
      else awaited.delete(key);
    },
    heard(key, object) {
      const echo = awaited.get(key);
      if (echo && isEcho(echo, object)) awaited.delete(key);
    },
    pendingUntil(key) {
      const echo = awaited.get(key);
      if (!echo || now() < echo.until) return echo?.until;
      awaited.delete(key);
      return undefined;
    },
  };
}

function isEcho(echo: Awaited, object: Seen | undefined): boolean {
  if (echo.kind === 'gone') return object?.uid !== echo.uid;
  // Gone after it was written: something else deleted it, later than our write.
  return object === undefined || !isOlder(object.resourceVersion, echo.resourceVersion);
}

/** Versions of one kind are numbers in the order of writing on every API server there is; others are taken as new. */
function isOlder(version: string, than: string): boolean {
  if (version === than || !/^\d+$/.test(version) || !/^\d+$/.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}
