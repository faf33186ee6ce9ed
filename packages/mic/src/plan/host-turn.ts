// Selects the part of a host's plan that is sent now. Pure. All namespaces without a strike go together; then one namespace at a
// time: ids that were accepted before come first, then unproven ones, from the namespace that has spent least.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { lateTurn } from './late-turn.ts';
import { rankOf, spentBy, standingOf, type Claimants, type Standing } from './standing.ts';
import type { HostPlan } from './types.ts';

export type Changes = Pick<HostPlan, 'attach' | 'again' | 'renew' | 'detach'>;

export interface HostTurn extends Changes {
  /** Ids that failed updates added for namespaces outside this turn: the same PATCH removes them. */
  readonly withdraw?: readonly ResourceId[];
  /** See late-turn.ts. */
  readonly suspect?: string;
  /** For each id that is attached or renewed, the namespace to which a refusal is charged. */
  readonly namespaces: ReadonlyMap<ResourceId, string>;
  /** Whether ids are left for the next turn. */
  readonly hasMore: boolean;
}

export function nextTurn(changes: Changes, facts: HostFacts, claimants: Claimants): HostTurn {
  const { again: failed = [] } = changes;
  const ids = [...changes.attach, ...failed, ...changes.renew];
  const standings = new Map(ids.map((id) => [id, standingOf(id, facts, claimants)]));
  const isChosen = sentNowBy([...standings.values()], facts, changes.detach.length > 0);
  const preferred = new Set(ids.filter((id) => isChosen(standings.get(id))));
  const { kept: chosen, withdraw, suspect } = lateTurn(preferred, facts, claimants);
  const namespaces = [...chosen].flatMap((id): [ResourceId, string][] => {
    const namespace = standings.get(id)?.namespace;
    return namespace === undefined ? [] : [[id, namespace]];
  });
  const attach = changes.attach.filter((id) => chosen.has(id));
  const again = failed.filter((id) => chosen.has(id));
  const renew = changes.renew.filter((id) => chosen.has(id));
  const isSafe = [...chosen].every((id) => standings.get(id)?.trust === 'clean');
  const detach = isSafe ? changes.detach : [];
  const hasMore = chosen.size < ids.length;
  return {
    attach,
    ...(again.length > 0 && { again }),
    renew,
    detach,
    ...(withdraw.length > 0 && { withdraw }),
    ...(suspect !== undefined && { suspect }),
    namespaces: new Map(namespaces),
    hasMore,
  };
}

function sentNowBy(
  standings: readonly Standing[],
  facts: HostFacts,
  isDetaching: boolean,
): (standing: Standing | undefined) => boolean {
  if (isDetaching || standings.some(({ trust }) => trust === 'clean'))
    return (standing) => standing?.trust === 'clean';
  const first = [...standings].sort(
    (a, b) =>
      rankOf(a) - rankOf(b) ||
      spentBy(facts, a.namespace ?? '') - spentBy(facts, b.namespace ?? '') ||
      ((a.namespace ?? '') < (b.namespace ?? '') ? -1 : 1),
  )[0];
  return (standing) => standing?.trust === first?.trust && standing?.namespace === first?.namespace;
}
