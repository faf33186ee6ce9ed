import type { Issuance } from '../respond/outcome.ts';
import type { Route } from '../request/routes.ts';
import type { TokenOrigin } from '../tokens/source.ts';

/** A copy without the token, which must not be kept here. */
export interface Matter {
  readonly pod: string;
  readonly uid: string;
  readonly identity: string;
  readonly clientId: string | undefined;
  readonly route: Route['kind'];
  /** Undefined: those that have no entry of their own. */
  readonly resource: string | undefined;
}

/** Issued tokens that no audit line has counted yet. */
export class Entry {
  /** Undefined: pods, identities and resources of the namespace that have no entry. */
  readonly matter: Matter | undefined;
  count = 0;
  first = Number.NaN;
  last = Number.NaN;
  readonly by: Record<TokenOrigin, number> = { hit: 0, joined: 0, miss: 0, stale: 0 };
  /** Used since the last sweep, even if its count is written already. */
  isRecent = true;

  constructor(matter?: Matter) {
    this.matter = matter;
  }

  /** Called tens of thousands of times a second, so it allocates nothing. */
  add(from: TokenOrigin, time: number): void {
    if (this.count === 0) this.first = time;
    this.count += 1;
    this.last = time;
    this.by[from] += 1;
  }

  written(): void {
    this.count = 0;
    for (const from of origins) this.by[from] = 0;
    this.isRecent = true;
  }
}

export const origins = ['hit', 'joined', 'miss', 'stale'] as const satisfies readonly TokenOrigin[];

export interface Share {
  readonly namespace: string;
  /** In the order of their last lines, the oldest first. */
  readonly entries: Set<Entry>;
  readonly rest: Entry;
}

interface Pod {
  readonly share: Share;
  readonly entries: Entry[];
}

/** Entries of a pod with a resource each, of a namespace, and of all; beyond that see `hasRoom`. */
const limits = { perPod: 32, perNamespace: 512, total: 2_048 };
/** The caller chooses the text. */
export const longestResource = 256;

export interface Issued {
  /** The entry for this token; undefined if it has none yet. */
  find(issuance: Issuance, route: Route['kind']): Entry | undefined;
  /** Makes the entry for a token that has none. Without room it is the namespace's `rest`, which is never new. */
  begin(issuance: Issuance, route: Route['kind']): { readonly entry: Entry; readonly share: Share };
  shares(): readonly Share[];
  /** Forgets the entries that were not used since the sweep before. */
  sweep(share: Share): void;
}

/**
 * Counts issued tokens by pod, identity and resource. Entries that hold a count are never displaced: a pod that varies the resource has
 * one further entry for each identity, and a namespace without room one in all.
 */
export function createIssued(): Issued {
  const pods = new Map<string, Pod>();
  const shares = new Map<string, Share>();
  let total = 0;

  const shareOf = (namespace: string): Share => {
    const share = shares.get(namespace) ?? { namespace, entries: new Set(), rest: new Entry() };
    shares.set(namespace, share);
    return share;
  };
  const remove = (entry: Entry, share: Share) => {
    share.entries.delete(entry);
    total -= 1;
    const uid = entry.matter?.uid ?? '';
    const entries = pods.get(uid)?.entries;
    entries?.splice(entries.indexOf(entry), 1);
    if (entries?.length === 0) pods.delete(uid);
  };

  return {
    find(issuance, route) {
      const pod = pods.get(issuance.uid);
      return pod && entryOf(pod.entries, issuance, route);
    },
    begin(issuance, route) {
      const known = pods.get(issuance.uid);
      const share = known?.share ?? shareOf(issuance.pod.split('/', 1)[0] ?? '');
      if (!hasRoom(share.entries.size, total, shares.size)) return { entry: share.rest, share };
      const pod = known ?? { share, entries: [] };
      const entry = new Entry(matterOf(issuance, route, pod.entries.length < limits.perPod));
      pods.set(issuance.uid, pod);
      pod.entries.push(entry);
      share.entries.add(entry);
      total += 1;
      return { entry, share };
    },
    shares: () => [...shares.values()],
    sweep(share) {
      for (const entry of share.entries) {
        if (entry.count > 0) continue;
        if (entry.isRecent) entry.isRecent = false;
        else remove(entry, share);
      }
      if (share.entries.size === 0 && share.rest.count === 0) shares.delete(share.namespace);
    },
  };
}

/** When all places are taken, a namespace with less than its equal part may still add. */
function hasRoom(own: number, total: number, namespaces: number): boolean {
  return own < limits.perNamespace && (total < limits.total || own < limits.total / namespaces);
}

function entryOf(
  entries: readonly Entry[],
  { identity, resource, issued }: Issuance,
  route: Route['kind'],
): Entry | undefined {
  let others: Entry | undefined;
  for (const entry of entries) {
    const { matter } = entry;
    if (matter?.identity !== identity || matter.route !== route || matter.clientId !== issued.clientId)
      continue;
    if (matter.resource === resource) return entry;
    if (matter.resource === undefined) others = entry;
  }
  return others;
}

function matterOf(issuance: Issuance, route: Route['kind'], hasOwnResource: boolean): Matter {
  const { pod, uid, identity, issued, resource } = issuance;
  const isOwn = hasOwnResource && resource.length <= longestResource;
  // A part of a string keeps the whole one, here the caller's query, in memory.
  const copy = isOwn ? Buffer.from(resource).toString() : undefined;
  return { pod, uid, identity, clientId: issued.clientId, route, resource: copy };
}
