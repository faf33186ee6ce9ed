// The plan of one host's identities, cached until an input changes. Most pods come and go without a change to it: only the first
// and the last one that need an identity change it.
import type { ResourceId } from '@pod-identity/crd-types';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { planIdentities, type HostChanges, type HostNeeds, type Moment } from './host-changes.ts';

export interface HostOutlook {
  readonly changes: HostChanges;
  readonly needed: ReadonlySet<ResourceId>;
  /** Identities that the host will carry and does not carry now. */
  readonly coming: ReadonlySet<ResourceId>;
}

interface Kept {
  readonly facts: HostFacts;
  readonly revision: number;
  readonly rules: Moment['rules'];
  readonly from: number;
  readonly until: number;
  readonly outlook: HostOutlook;
}

/** A cache: without it the results are the same, only slower. */
const memory = new WeakMap<ClusterIndex, Map<ResourceId, Kept>>();

export function outlookFor(index: ClusterIndex, facts: HostFacts, { now, rules }: Moment): HostOutlook {
  const { id } = facts.host;
  const revision = index.needRevision(id);
  const ofIndex = memory.get(index) ?? new Map<ResourceId, Kept>();
  const kept = ofIndex.get(id);
  const isSame = kept?.facts === facts && kept.revision === revision && isSameRules(kept.rules, rules);
  if (isSame && kept.from <= now && now < kept.until) return kept.outlook;
  const needed = index.need(id);
  const { changes, until } = planIdentities(hostNeeds(index, id), facts, { now, rules });
  const coming = new Set([...changes.attach, ...(changes.again ?? []), ...changes.renew]);
  const outlook = { changes, needed: new Set(needed.keys()), coming };
  memory.set(index, ofIndex.set(id, { facts, revision, rules, from: now, until, outlook }));
  return outlook;
}

/** By value, since callers may pass a new object each time. */
function isSameRules(a: Moment['rules'], b: Moment['rules']): boolean {
  const [known, wanted] = [a.immutableClientIds, b.immutableClientIds];
  return (
    a.detachGraceMs === b.detachGraceMs &&
    a.driftPeriodMs === b.driftPeriodMs &&
    known.size === wanted.size &&
    [...wanted].every((clientId) => known.has(clientId))
  );
}

function hostNeeds(index: ClusterIndex, host: ResourceId): HostNeeds {
  return {
    needed: index.need(host),
    granted: index.granted(host),
    mayBeNeeded: (id) => index.mayBeNeeded(id),
    statedClientIds: (id) =>
      Array.from(index.objects.identitiesFor(id), (key) => {
        const view = index.objects.identity(key);
        return view?.kind === 'valid' ? view.clientId : undefined;
      }),
    claimants: (id) => index.objects.claimants(id),
  };
}
