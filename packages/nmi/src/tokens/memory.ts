import type { Clock, Timer } from '@pod-identity/kit/core';
import type { TokenAge } from './age.ts';
import type { IssuedToken, TokenSubject } from './types.ts';

export interface Entry {
  readonly issued: IssuedToken;
  readonly storedAt: number;
  readonly age: TokenAge;
  /** Number of the request, in the order of requests. */
  readonly question: number;
  /** The namespace that asked for it. */
  readonly namespace: string;
}

export interface TokenMemory {
  recall(subject: TokenSubject, resource: string): Entry | undefined;
  /** Ignored if the token of a later request is stored. */
  store(subject: TokenSubject, resource: string, entry: Entry): void;
  forget(subject: TokenSubject, resource: string): void;
  /** Forgets whatever belongs to other subjects than these. */
  prune(keep: (subject: TokenSubject) => boolean): void;
}

interface Known {
  readonly subject: TokenSubject;
  readonly entries: Map<string, Kept>;
}

interface Kept {
  readonly entry: Entry;
  readonly key: string;
  readonly resource: string;
  /** Removes the token when it expires. */
  readonly end: Timer;
}

/**
 * Tokens by subject and resource. If there are too many, the oldest token of the namespace with most tokens is evicted. Each is removed
 * by a timer when it expires, so that a clock that is set back does not prolong it.
 */
export function createTokenMemory(kept: number, clock: Pick<Clock, 'after'>): TokenMemory {
  const subjects = new Map<string, Known>();
  const shares = createShares();

  const forget = (key: string, resource: string) => {
    const entries = subjects.get(key)?.entries;
    const known = entries?.get(resource);
    if (!entries || !known) return;
    known.end.cancel();
    entries.delete(resource);
    shares.remove(known);
    if (entries.size === 0) subjects.delete(key);
  };

  return {
    recall: (subject, resource) => subjects.get(keyOf(subject))?.entries.get(resource)?.entry,
    store(subject, resource, entry) {
      const key = keyOf(subject);
      const known = subjects.get(key)?.entries.get(resource)?.entry;
      if (known && known.question > entry.question) return;
      forget(key, resource);
      const oldest = shares.size < kept ? undefined : shares.oldestOfLargest();
      if (oldest) forget(oldest.key, oldest.resource);
      const entries = subjects.get(key)?.entries ?? new Map<string, Kept>();
      const lifeMs = entry.issued.access.expiresOnTimestamp - entry.storedAt;
      const end = clock.after(Math.max(0, lifeMs), () => forget(key, resource));
      const one: Kept = { entry, key, resource, end };
      subjects.set(key, { subject, entries: entries.set(resource, one) });
      shares.add(one);
    },
    forget: (subject, resource) => forget(keyOf(subject), resource),
    prune(keep) {
      for (const [key, { subject, entries }] of subjects) {
        if (!keep(subject)) for (const resource of entries.keys()) forget(key, resource);
      }
    },
  };
}

/** By namespace; in each the oldest first. */
function createShares() {
  const shares = new Map<string, Set<Kept>>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(one: Kept) {
      const { namespace } = one.entry;
      shares.set(namespace, (shares.get(namespace) ?? new Set<Kept>()).add(one));
      size += 1;
    },
    remove(one: Kept) {
      const share = shares.get(one.entry.namespace);
      if (!share?.delete(one)) return;
      size -= 1;
      if (share.size === 0) shares.delete(one.entry.namespace);
    },
    oldestOfLargest(): Kept | undefined {
      let largest: ReadonlySet<Kept> = new Set();
      for (const share of shares.values()) if (share.size > largest.size) largest = share;
      const [oldest] = largest;
      return oldest;
    },
  };
}

/** Equal for subjects that get the same tokens. */
export function keyOf(subject: TokenSubject): string {
  if (subject.kind === 'identity') return subject.resourceId;
  if (subject.kind === 'service-principal') {
    const { authority, tenantId, auxiliaryTenantIds, clientId, credential, secret } = subject;
    const parts = [authority, tenantId, ...auxiliaryTenantIds, clientId, credential];
    return `principal ${parts.join(' ')} ${secret.namespace}/${secret.name}`;
  }
  return subject.by === 'nothing' ? 'machine' : `machine ${subject.by} ${subject.value}`;
}
