import {
  createShares,
  heapBytes,
  type Clock,
  type Shared,
  type Shares,
  type Timer,
} from '@pod-identity/kit/core';
import type { TokenAge } from './age.ts';
import type { IssuedToken, TokenSubject, WantedToken } from './types.ts';

export interface Entry {
  readonly issued: IssuedToken;
  readonly storedAt: number;
  readonly age: TokenAge;
}

export interface TokenMemory {
  /** From then on the token takes places of this namespace, too. */
  recall(wanted: Wanted, namespace: string): Entry | undefined;
  /** Whether it has a token of the subject. */
  has(subject: TokenSubject): boolean;
  /** In place of the previous token, for its namespaces and this one. */
  store(wanted: Wanted, namespace: string, entry: Entry): void;
  /** Forgets whatever belongs to other subjects than these. */
  prune(keep: (subject: TokenSubject) => boolean): void;
}

type Wanted = Pick<WantedToken, 'subject' | 'resource'>;

interface Known {
  readonly subject: TokenSubject;
  readonly entries: Map<string, Kept>;
}

interface Kept {
  readonly entry: Entry;
  readonly key: string;
  readonly resource: string;
  readonly weight: number;
  /** By namespace. */
  readonly uses: Map<string, Use>;
  /** Removes the token when it expires. */
  readonly end: Timer;
}

/** The places that a token takes of a namespace. */
interface Use extends Shared {
  readonly kept: Kept;
}

/**
 * Tokens by subject and resource in `places`. If there are too many, the namespace with most places loses its oldest token, which is removed when
 * no other namespace has it: a namespace that asks for very much takes no token from another one with the same identity. Each is removed
 * by a timer when it expires, so that a clock that is set back does not prolong it.
 */
export function createTokenMemory(weight: number, clock: Pick<Clock, 'after'>): TokenMemory {
  const subjects = new Map<string, Known>();
  const shares = createShares<Use>({ perNamespace: Infinity, total: weight });

  const remove = ({ key, resource, uses, end }: Kept) => {
    end.cancel();
    for (const use of uses.values()) shares.remove(use);
    const entries = subjects.get(key)?.entries;
    if (entries?.delete(resource) && entries.size === 0) subjects.delete(key);
  };
  const find = (wanted: Wanted) => subjects.get(keyOf(wanted.subject))?.entries.get(wanted.resource);
  const charge = (kept: Kept, namespaces: readonly string[]) => {
    for (const out of chargeTo(shares, kept, namespaces)) remove(out);
  };
  const forgetAll = (key: string) => {
    for (const kept of subjects.get(key)?.entries.values() ?? []) remove(kept);
  };

  return {
    recall(wanted, namespace) {
      const kept = find(wanted);
      if (kept && !kept.uses.has(namespace)) charge(kept, [namespace]);
      return kept?.entry;
    },
    has: (subject) => subjects.has(keyOf(subject)),
    store({ subject, resource }, namespace, entry) {
      const before = find({ subject, resource });
      if (before) remove(before);
      const key = keyOf(subject);
      const lifeMs = entry.issued.access.expiresOnTimestamp - entry.storedAt;
      const kept: Kept = {
        entry,
        key,
        resource,
        weight: weightOf({ subject, resource, issued: entry.issued }),
        uses: new Map(),
        end: clock.after(Math.max(0, lifeMs), () => remove(kept)),
      };
      const entries = subjects.get(key)?.entries ?? new Map<string, Kept>();
      subjects.set(key, { subject, entries: entries.set(resource, kept) });
      charge(kept, [...new Set([...(before?.uses.keys() ?? []), namespace])]);
    },
    prune(keep) {
      for (const [key, { subject }] of subjects) if (!keep(subject)) forgetAll(key);
    },
  };
}

/** Returns the tokens that no namespace has any more. */
function chargeTo(shares: Shares<Use>, kept: Kept, namespaces: readonly string[]): readonly Kept[] {
  const added = namespaces.map((namespace): Use => ({ namespace, weight: kept.weight, kept }));
  for (const use of added) kept.uses.set(use.namespace, use);
  const out = added.flatMap((use) => shares.add(use));
  for (const use of out) use.kept.uses.delete(use.namespace);
  return out.map((use) => use.kept).filter(({ uses }) => uses.size === 0);
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
