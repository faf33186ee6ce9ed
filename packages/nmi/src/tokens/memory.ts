import type { Clock, Timer } from '@pod-identity/kit/core';
import type { TokenAge } from './age.ts';
import { createShares, type Shared } from './shares.ts';
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
  /** Forgets all tokens of the subject with this `keyOf`. */
  forgetAll(key: string): void;
  /** Forgets whatever belongs to other subjects than these. */
  prune(keep: (subject: TokenSubject) => boolean): void;
}

interface Known {
  readonly subject: TokenSubject;
  readonly entries: Map<string, Kept>;
}

interface Kept extends Shared {
  readonly entry: Entry;
  readonly key: string;
  readonly resource: string;
  /** Removes the token when it expires. */
  readonly end: Timer;
}

/**
 * Tokens by subject and resource in `kept` places. If there are too many, the oldest token of the namespace with most places is evicted. Each is removed
 * by a timer when it expires, so that a clock that is set back does not prolong it.
 */
export function createTokenMemory(kept: number, clock: Pick<Clock, 'after'>): TokenMemory {
  const subjects = new Map<string, Known>();
  const shares = createShares<Kept>({ perNamespace: Infinity, total: kept });

  const forgetAll = (key: string) => {
    for (const resource of subjects.get(key)?.entries.keys() ?? []) forget(key, resource);
  };
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
      const entries = subjects.get(key)?.entries ?? new Map<string, Kept>();
      const lifeMs = entry.issued.access.expiresOnTimestamp - entry.storedAt;
      const end = clock.after(Math.max(0, lifeMs), () => forget(key, resource));
      const one: Kept = {
        namespace: entry.namespace,
        weight: weightOf(resource, entry),
        entry,
        key,
        resource,
        end,
      };
      subjects.set(key, { subject, entries: entries.set(resource, one) });
      for (const out of shares.add(one)) forget(out.key, out.resource);
    },
    forget: (subject, resource) => forget(keyOf(subject), resource),
    forgetAll,
    prune(keep) {
      for (const [key, { subject }] of subjects) if (!keep(subject)) forgetAll(key);
    },
  };
}

/** Twice an ordinary token. */
const charactersOfPlace = 4_096;

/** Places: an application can have tokens with thousands of roles, and Entra's answer may have 256 KiB. */
function weightOf(resource: string, { issued: { access, auxiliary = [] } }: Entry): number {
  const tokens = [access, ...auxiliary.map((one) => one.access)].map(({ token }) => token);
  return (
    1 + Math.floor([resource, ...tokens].reduce((sum, text) => sum + text.length, 0) / charactersOfPlace)
  );
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
