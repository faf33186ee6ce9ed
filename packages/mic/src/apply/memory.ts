// The state of the hosts in this term: facts, and identities that are being detached.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { createFacts, foldThrottle } from '../snapshot/facts/host-facts.ts';

export interface HostMemory {
  readonly all: ReadonlyMap<ResourceId, HostFacts>;
  facts(host: ResourceId): HostFacts | undefined;
  /** The same, with default facts for an unknown host. */
  factsFromStart(host: Host): HostFacts;
  keep(facts: HostFacts): void;
  /** Applies a limit of the whole subscription to its other hosts. */
  holdSubscription(host: ResourceId, until: number): void;
  forget(host: ResourceId): void;
  /** Identities that a running PATCH detaches: still present by the facts, but not to be assigned. */
  leaving(host: ResourceId): ReadonlySet<ResourceId>;
  setLeaving(host: ResourceId, identities: readonly ResourceId[]): void;
}

const nothing: ReadonlySet<ResourceId> = new Set();

export function createHostMemory(): HostMemory {
  const known = new Map<ResourceId, HostFacts>();
  const leaving = new Map<ResourceId, ReadonlySet<ResourceId>>();
  const subscriptionsHeldUntil = new Map<string, number>();
  return {
    all: known,
    facts: (host) => known.get(host),
    factsFromStart(host) {
      const until = subscriptionsHeldUntil.get(subscriptionOf(host.id)) ?? 0;
      return known.get(host.id) ?? foldThrottle(createFacts(host), until);
    },
    keep: (facts) => void known.set(facts.host.id, facts),
    holdSubscription(host, until) {
      const subscription = subscriptionOf(host);
      subscriptionsHeldUntil.set(
        subscription,
        Math.max(until, subscriptionsHeldUntil.get(subscription) ?? 0),
      );
      for (const [id, facts] of known) {
        if (subscriptionOf(id) === subscription) known.set(id, foldThrottle(facts, until));
      }
    },
    forget: (host) => void known.delete(host),
    leaving: (host) => leaving.get(host) ?? nothing,
    setLeaving(host, identities) {
      if (identities.length === 0) leaving.delete(host);
      else leaving.set(host, new Set(identities));
    },
  };
}

/** Ids are canonical: /subscriptions/<id>/… in lower case. */
function subscriptionOf(id: ResourceId): string {
  return id.split('/')[2] ?? '';
}
