import type { Clock, Timer } from '@pod-identity/kit/core';
import type { TokenAge } from './token-age.ts';
import type { IssuedToken, TokenSubject } from './types.ts';

export interface Entry {
  readonly issued: IssuedToken;
  readonly storedAt: number;
  readonly age: TokenAge;
  /** Position of the question in the order of asking. */
  readonly question: number;
}

export interface TokenMemory {
  recall(subject: TokenSubject, resource: string): Entry | undefined;
  /** Unless there is an answer to a later question: a late one replaces none. */
  store(subject: TokenSubject, resource: string, entry: Entry): void;
  forget(subject: TokenSubject, resource: string): void;
  /** Forgets whatever belongs to other subjects than these. */
  prune(keep: (subject: TokenSubject) => boolean): void;
}

interface Known {
  /** As it was when the last token was stored; others of the same key are as good. */
  readonly subject: TokenSubject;
  readonly entries: Map<string, Kept>;
}

interface Kept {
  readonly entry: Entry;
  /** Of its life, after which it is forgotten. */
  readonly end: Timer;
}

/**
 * Tokens by subject and resource. When there are too many, the subject that got no new one for longest loses its oldest.
 * Each is forgotten at the end of its life by a timer: a clock that is set back meanwhile cannot lengthen it.
 */
export function createTokenMemory(kept: number, clock: Pick<Clock, 'after'>): TokenMemory {
  const subjects = new Map<string, Known>();
  let size = 0;

  const forget = (key: string, resource: string) => {
    const entries = subjects.get(key)?.entries;
    const known = entries?.get(resource);
    if (!entries || !known) return;
    known.end.cancel();
    entries.delete(resource);
    size -= 1;
    if (entries.size === 0) subjects.delete(key);
  };

  const forgetOldest = () => {
    for (const [key, { entries }] of subjects) {
      for (const resource of entries.keys()) {
        forget(key, resource);
        return;
      }
    }
  };

  return {
    recall: (subject, resource) => subjects.get(keyOf(subject))?.entries.get(resource)?.entry,
    store(subject, resource, entry) {
      const key = keyOf(subject);
      const known = subjects.get(key)?.entries.get(resource)?.entry;
      if (known && known.question > entry.question) return;
      forget(key, resource);
      if (size >= kept) forgetOldest();
      const entries = subjects.get(key)?.entries ?? new Map<string, Kept>();
      const lifeMs = entry.issued.access.expiresOnTimestamp - entry.storedAt;
      const end = clock.after(Math.max(0, lifeMs), () => forget(key, resource));
      subjects.delete(key);
      subjects.set(key, { subject, entries: entries.set(resource, { entry, end }) });
      size += 1;
    },
    forget: (subject, resource) => forget(keyOf(subject), resource),
    prune(keep) {
      for (const [key, { subject, entries }] of subjects) {
        if (!keep(subject)) for (const resource of entries.keys()) forget(key, resource);
      }
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
