// What this term knows of the hosts: the facts that outcomes were folded into, and what is leaving a host right now.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts.ts';

export interface HostMemory {
  readonly all: ReadonlyMap<ResourceId, HostFacts>;
  facts(host: ResourceId): HostFacts | undefined;
  keep(facts: HostFacts): void;
  forget(host: ResourceId): void;
  /** Named in a PATCH that is on its way: still present by the facts, but not to be promised to anybody. */
  leaving(host: ResourceId): ReadonlySet<ResourceId>;
  setLeaving(host: ResourceId, identities: readonly ResourceId[]): void;
}

const nothing: ReadonlySet<ResourceId> = new Set();

export function createHostMemory(): HostMemory {
  const known = new Map<ResourceId, HostFacts>();
  const leaving = new Map<ResourceId, ReadonlySet<ResourceId>>();
  return {
    all: known,
    facts: (host) => known.get(host),
    keep: (facts) => void known.set(facts.host.id, facts),
    forget: (host) => void known.delete(host),
    leaving: (host) => leaving.get(host) ?? nothing,
    setLeaving(host, identities) {
      if (identities.length === 0) leaving.delete(host);
      else leaving.set(host, new Set(identities));
    },
  };
}
