import type { IssuedToken, TokenSubject } from './types.ts';

export interface Entry {
  readonly issued: IssuedToken;
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Position of the question in the order of asking. */
  readonly question: number;
}

export interface TokenMemory {
  recall(subject: TokenSubject, resource: string): Entry | undefined;
  /** Unless there is an answer to a later question: a late one replaces none. */
  store(subject: TokenSubject, resource: string, entry: Entry): void;
  forget(subject: TokenSubject, resource: string): void;
}

/** Tokens by subject and resource. When there are too many, the subject that got no new one for longest loses its oldest. */
export function createTokenMemory(kept: number): TokenMemory {
  const subjects = new Map<string, Map<string, Entry>>();
  let size = 0;

  const forget = (key: string, resource: string) => {
    const entries = subjects.get(key);
    if (!entries?.delete(resource)) return;
    size -= 1;
    if (entries.size === 0) subjects.delete(key);
  };

  const forgetOldest = () => {
    for (const [key, entries] of subjects) {
      for (const resource of entries.keys()) {
        forget(key, resource);
        return;
      }
    }
  };

  return {
    recall: (subject, resource) => subjects.get(keyOf(subject))?.get(resource),
    store(subject, resource, entry) {
      const key = keyOf(subject);
      const known = subjects.get(key)?.get(resource);
      if (known && known.question > entry.question) return;
      forget(key, resource);
      if (size >= kept) forgetOldest();
      const entries = subjects.get(key) ?? new Map<string, Entry>();
      subjects.delete(key);
      subjects.set(key, entries.set(resource, entry));
      size += 1;
    },
    forget: (subject, resource) => forget(keyOf(subject), resource),
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
