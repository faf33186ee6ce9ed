// The namespace that an attachment is charged to, and how likely it succeeds. ARM accepts or refuses a PATCH as a whole, and PATCHes
// are limited: likely attempts go first, and ids that may be refused never share a PATCH with those of another namespace.
import type { ResourceId } from '@pod-identity/crd-types';
import { updateBudget, waitFor } from '../snapshot/facts/budget.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isClean, nextAttemptAt } from '../snapshot/facts/strikes.ts';

export interface Standing {
  /** The namespace to which a refusal is charged; undefined for an id that no AzureIdentity names. */
  readonly namespace: string | undefined;
  /**
   * `clean`: nothing of that namespace was refused on this host lately. `accepted`: something was, but not this id, which the host
   * has carried before. `unproven`, and `refused` (this id was refused): tried last, within the namespace's budget.
   */
  readonly trust: Trust;
}

/** In the order of attempts. */
const trusts = ['clean', 'accepted', 'unproven', 'refused'] as const;
export type Trust = (typeof trusts)[number];

export function rankOf({ trust }: Standing): number {
  return trusts.indexOf(trust);
}

/** Namespaces with an AzureIdentity for the id. Refusals of one of them must not delay the others. */
export type Claimants = (id: ResourceId) => Iterable<string>;

/** PATCHes of the host's budget that unproven attempts leave for others. */
const reservedUpdates = 3;

export function standingOf(id: ResourceId, facts: HostFacts, claimants: Claimants): Standing {
  const namespaces = [...claimants(id)].sort();
  const clean = namespaces.find((namespace) => isClean(facts.strikes, namespace));
  if (clean !== undefined || namespaces.length === 0) return { namespace: clean, trust: 'clean' };
  const trusted = namespaces.find((namespace) => facts.strikes.get(namespace)?.distrusted === false);
  if (trusted !== undefined && facts.accepted.has(id)) return { namespace: trusted, trust: 'accepted' };
  const trust = facts.quarantined.has(id) ? 'refused' : 'unproven';
  const leastSpent = (a: string, b: string) => spentBy(facts, a) - spentBy(facts, b);
  return { namespace: [...namespaces].sort(leastSpent)[0], trust };
}

/** Earliest time of an attempt with that standing; 0 for `clean` and `accepted`. */
export function attemptDueAt({ namespace, trust }: Standing, facts: HostFacts, now: number): number {
  if (trust === 'clean' || trust === 'accepted' || namespace === undefined) return 0;
  const hostWaits = waitFor(updateBudget, { spentUntil: facts.spentUntil, now }, reservedUpdates);
  return Math.max(now + hostWaits, nextAttemptAt(facts.strikes, namespace, now));
}

export function spentBy(facts: HostFacts, namespace: string): number {
  return facts.strikes.get(namespace)?.spentUntil ?? 0;
}
