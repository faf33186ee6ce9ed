import { createFairQueue, type FairQueue, type FairQueueLimits, type Tenant } from '@pod-identity/kit/core';

/** Items that are added ahead go before the others, but of each namespace one for each turn of the others. */
export interface AheadQueue<T extends object> extends FairQueue<T> {
  /** As `add`, with the same limits for items that are added ahead. */
  readonly addAhead: (tenant: Tenant, item: T) => ReturnType<FairQueue<T>['add']>;
}

/**
 * A namespace that adds items ahead without end takes one more turn in each round of the others: a round ends when one of their namespaces
 * has its second turn.
 */
export function createAheadQueue<T extends { readonly tenant: Tenant }>(
  limits: FairQueueLimits,
): AheadQueue<T> {
  const [ahead, others] = [createFairQueue<T>(limits), createFairQueue<T>(limits)];
  // Namespaces that have had their turn in this round.
  const had = { ahead: new Set<string>(), others: new Set<string>() };
  const startRound = () => {
    had.ahead.clear();
    had.others.clear();
  };

  return {
    get size() {
      return ahead.size + others.size;
    },
    add: (tenant, item) => others.add(tenant, item),
    addAhead: (tenant, item) => ahead.add(tenant, item),
    remove: (item) => ahead.remove(item) || others.remove(item),
    next(mayServe = () => true) {
      if (others.size === 0) startRound();
      const first = ahead.next((namespace) => mayServe(namespace) && !had.ahead.has(namespace));
      if (first) {
        had.ahead.add(first.tenant.namespace);
        return first;
      }
      const next = others.next(mayServe);
      if (!next) return ahead.next(mayServe);
      if (had.others.has(next.tenant.namespace)) startRound();
      had.others.add(next.tenant.namespace);
      return next;
    },
  };
}
