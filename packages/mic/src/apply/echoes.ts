// Own writes that the watch does not show yet. Until it does, a plan made from the watched state would repeat the write.
export interface Seen {
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface Echoes {
  /** After a write; settled when the watch shows this version or a later one. `seen`: the object that it shows now. */
  wrote(key: string, resourceVersion: string, seen: Seen | undefined): void;
  /** After a delete; settled when the watch shows no object, or another one. */
  removed(key: string, uid: string, seen: Seen | undefined): void;
  /** On a change in the watch; undefined for a deleted object. */
  heard(key: string, object: Seen | undefined): void;
  /** Until when the object must not be written; undefined if settled. */
  pendingUntil(key: string): number | undefined;
}

/** Timeout of an echo, which may be missing after a new list: a repeated write is harmless. */
export const echoPatienceMs = 15_000;

type Awaited =
  | { readonly kind: 'version'; readonly resourceVersion: string; readonly until: number }
  | { readonly kind: 'gone'; readonly uid: string; readonly until: number };

export function createEchoes(now: () => number): Echoes {
  const awaited = new Map<string, Awaited>();
  const until = () => now() + echoPatienceMs;
  return {
    wrote(key, resourceVersion, seen) {
      // The watch may be faster than the response to the write.
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
  // Missing: something else deleted it after the write.
  return object === undefined || !isOlder(object.resourceVersion, echo.resourceVersion);
}

/** Versions of one kind are increasing numbers on all API servers; other versions count as new. */
function isOlder(version: string, than: string): boolean {
  if (version === than || !/^\d+$/.test(version) || !/^\d+$/.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}
