import { badRequest, expired } from './status.ts';
import type { Stored } from './stored.ts';

export interface Page {
  readonly items: readonly Stored[];
  readonly version: number;
  readonly remaining: number;
  readonly continue?: string;
}

export interface PageRequest {
  readonly namespace?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly matches: (stored: Stored) => boolean;
}

/** The objects of a list, at one version. */
export interface Snapshot {
  readonly version: number;
  readonly items: readonly Stored[];
}

interface Bookmark {
  readonly snapshot: Snapshot;
  readonly start: number;
  /** The token of the snapshot, if it is kept. */
  readonly key?: string;
}

const snapshotsKept = 8;
const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/**
 * A list that is read in pages shows one version. So the rest of it is kept, by a token; versions of objects never
 * change, so that needs one reference for each.
 */
export function createPages() {
  const held = new Map<string, Snapshot>();
  let made = 0;

  const resume = (token: string): Bookmark => {
    const [, key, start] = /^(\d+):(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
    if (key === undefined) throw badRequest('continue key is not valid');
    const snapshot = held.get(key);
    if (!snapshot) throw expired(tooOld);
    return { snapshot, start: Number(start), key };
  };
  const hold = (snapshot: Snapshot): string => {
    const key = String((made += 1));
    held.set(key, snapshot);
    const [oldest] = held.keys();
    if (held.size > snapshotsKept && oldest !== undefined) held.delete(oldest);
    return key;
  };

  return {
    forget: () => held.clear(),
    read: (request: PageRequest, take: () => Snapshot): Page => {
      const { limit = Infinity, continue: token } = request;
      const { snapshot, start, key } =
        token === undefined ? { snapshot: take(), start: 0, key: undefined } : resume(token);
      const { version, items } = snapshot;
      const end = start + limit;
      if (end >= items.length) return { items: items.slice(start), version, remaining: 0 };
      const next = Buffer.from(`${key ?? hold(snapshot)}:${end}`).toString('base64url');
      return { items: items.slice(start, end), version, remaining: items.length - end, continue: next };
    },
  };
}
