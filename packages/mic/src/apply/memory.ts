// The state of the hosts in this term: facts, and what is being changed or read.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { createFacts, foldThrottle } from '../snapshot/facts/host-facts.ts';
import type { HostChange } from '../snapshot/facts/outcomes.ts';

export type HostMemory = ReturnType<typeof createHostMemory>;

interface UnderWay {
  readonly leaving: ReadonlySet<ResourceId>;
  /** Undefined for a reading. */
  readonly changing: ReadonlySet<ResourceId> | undefined;
}

const nothing: ReadonlySet<ResourceId> = new Set();

export function createHostMemory() {
  const known = new Map<ResourceId, HostFacts>();
  const underWay = new Map<ResourceId, UnderWay>();
  const subscriptionsHeldUntil = new Map<string, number>();
  return {
    all: known as ReadonlyMap<ResourceId, HostFacts>,
    facts: (host: ResourceId) => known.get(host),
    /** The same, with default facts for an unknown host. */
    factsFromStart(host: Host) {
      const until = subscriptionsHeldUntil.get(subscriptionOf(host.id)) ?? 0;
      return known.get(host.id) ?? foldThrottle(createFacts(host), until);
    },
    keep: (facts: HostFacts) => void known.set(facts.host.id, facts),
    /** Applies a limit of the whole subscription to its other hosts. */
    holdSubscription(host: ResourceId, until: number) {
      const subscription = subscriptionOf(host);
      subscriptionsHeldUntil.set(
        subscription,
        Math.max(until, subscriptionsHeldUntil.get(subscription) ?? 0),
      );
      for (const [id, facts] of known) {
        if (subscriptionOf(id) === subscription) known.set(id, foldThrottle(facts, until));
      }
    },
    forget: (host: ResourceId) => void known.delete(host),
    /** Identities that a running PATCH detaches: still present by the facts, but not to be assigned. */
    leaving: (host: ResourceId) => underWay.get(host)?.leaving ?? nothing,
    /** Whether what is under way decides on all of these: a change with them, or a reading. The host is planned after it. */
    isUnderWay(host: ResourceId, identities: readonly ResourceId[]) {
      const found = underWay.get(host);
      if (found === undefined) return false;
      const { changing } = found;
      return changing === undefined || identities.every((id) => changing.has(id));
    },
    /** To be called before a request to Azure. Returns a function to be called after it. */
    begin(host: ResourceId, what: HostChange | 'reading') {
      underWay.set(host, underWayOf(what));
      return () => void underWay.delete(host);
    },
  };
}

function underWayOf(what: HostChange | 'reading'): UnderWay {
  if (what === 'reading') return { leaving: nothing, changing: undefined };
  const { attach, again = [], renew, detach } = what;
  // The same empty set each time: waiting pods are planned again when another one is returned.
  const leaving = detach.length === 0 ? nothing : new Set(detach);
  return { leaving, changing: new Set([...attach, ...again, ...renew, ...detach]) };
}

/** Ids are canonical: /subscriptions/<id>/… in lower case. */
function subscriptionOf(id: ResourceId): string {
  return id.split('/')[2] ?? '';
}
