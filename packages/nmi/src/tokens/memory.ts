import { createShareMap, heapBytes, type Clock, type Keyed, type ShareLimits } from '@pod-identity/kit/core';
import type { TokenAge } from './age.ts';
import type { IssuedToken, TokenSubject, WantedToken } from './types.ts';

export interface Entry {
  readonly issued: IssuedToken;
  readonly storedAt: number;
  readonly age: TokenAge;
}

export type TokenMemory = ReturnType<typeof createTokenMemory>;

type Wanted = Pick<WantedToken, 'subject' | 'resource'>;

interface Known {
  readonly subject: TokenSubject;
  /** By resource. */
  readonly tokens: Map<string, Kept>;
}

interface Kept {
  readonly entry: Entry;
  readonly key: string;
  readonly resource: string;
  readonly weight: number;
  /** By `Clock.elapsed`: a clock that is set back does not prolong a token. */
  readonly endsAt: number;
  readonly namespaces: Set<string>;
}

/** The places that a token takes of a namespace. */
interface Use extends Keyed {
  readonly kept: Kept;
}

/**
 * Tokens by subject and resource in places of 4 KiB. A namespace with too many loses its oldest, and if all have too many, the namespace with
 * most; a token is removed when no other namespace has it: who asks for very much takes no token from others with the same identity.
 */
export function createTokenMemory(limits: ShareLimits, clock: Pick<Clock, 'elapsed'>) {
  const subjects = new Map<string, Known>();
  const uses = createShareMap<Use>(limits);

  const remove = (kept: Kept) => {
    for (const namespace of kept.namespaces) uses.delete(useOf(kept, namespace));
    const tokens = subjects.get(kept.key)?.tokens;
    if (tokens?.delete(kept.resource) && tokens.size === 0) subjects.delete(kept.key);
  };
  const charge = (kept: Kept, namespace: string) => {
    kept.namespaces.add(namespace);
    for (const out of uses.set({ namespace, key: useOf(kept, namespace), weight: kept.weight, kept })) {
      out.kept.namespaces.delete(out.namespace);
      if (out.kept.namespaces.size === 0) remove(out.kept);
    }
  };
  const find = ({ subject, resource }: Wanted) => {
    const kept = subjects.get(keyOf(subject))?.tokens.get(resource);
    if (!kept || clock.elapsed() < kept.endsAt) return kept;
    remove(kept);
    return undefined;
  };

  return {
    /** From then on the token takes places of this namespace, too. */
    recall(wanted: Wanted, namespace: string): Entry | undefined {
      const kept = find(wanted);
      if (kept && !kept.namespaces.has(namespace)) charge(kept, namespace);
      return kept?.entry;
    },
    /** As `recall`, but for no namespace. */
    peek: (wanted: Wanted) => find(wanted)?.entry,
    /** Whether it has a token of the subject. */
    has: (subject: TokenSubject) => subjects.has(keyOf(subject)),
    /** In place of the previous token, for its namespaces and this one. */
    store({ subject, resource }: Wanted, namespace: string, entry: Entry): void {
      const before = find({ subject, resource });
      if (before) remove(before);
      const weight = weightOf({ subject, resource, issued: entry.issued });
      const endsAt = clock.elapsed() + entry.issued.access.expiresOnTimestamp - entry.storedAt;
      const kept: Kept = { entry, key: keyOf(subject), resource, weight, endsAt, namespaces: new Set() };
      const tokens = subjects.get(kept.key)?.tokens ?? new Map<string, Kept>();
      subjects.set(kept.key, { subject, tokens: tokens.set(resource, kept) });
      for (const one of new Set([...(before?.namespaces ?? []), namespace])) charge(kept, one);
    },
    /** Forgets whatever belongs to other subjects than these. */
    prune(keep: (subject: TokenSubject) => boolean): void {
      for (const { subject, tokens } of subjects.values())
        if (!keep(subject)) [...tokens.values()].forEach(remove);
    },
  };
}

/** A namespace contains no space. */
function useOf({ key, resource }: Kept, namespace: string): string {
  return `${namespace} ${key} ${resource}`;
}

/** Twice an ordinary token. */
const bytesOfEntry = 4_096;

/** Places: an application can have tokens with thousands of roles, and Entra's answer may have 256 KiB. */
function weightOf(kept: Wanted & Pick<Entry, 'issued'>): number {
  return 1 + Math.floor(heapBytes(kept) / bytesOfEntry);
}

/** Equal for subjects that get the same tokens. */
export function keyOf(subject: TokenSubject): string {
  if (subject.kind === 'identity') return subject.resourceId;
  if (subject.kind === 'service-principal') {
    const { authority, tenantId, auxiliaryTenantIds, clientId, credential, secret } = subject;
    const parts = [authority, tenantId, ...auxiliaryTenantIds, clientId, credential];
    return `principal ${parts.join(' ')} ${secret.namespace}/${secret.name}`;
  }
  if (subject.kind === 'federated') {
    const { tenantId, clientId, pod } = subject;
    return `federated ${tenantId}/${clientId} ${pod?.uid ?? ''}`;
  }
  return subject.by === 'nothing' ? 'machine' : `machine ${subject.by} ${subject.value}`;
}
