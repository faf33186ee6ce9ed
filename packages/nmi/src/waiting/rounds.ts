import type { FairQueue, Tenant } from '@pod-identity/kit/core';

/** One of several queues that share turns. */
export interface SharingQueue<T extends object> {
  readonly queue: FairQueue<T>;
  /** A namespace that waits in it goes first in its round, and may have the turn of its next round in advance. */
  readonly isAhead?: boolean;
  /** Namespaces take turns in it, too: otherwise those that have turns for other questions would have none of its quota. */
  readonly quota?: object;
}

interface NamespaceTurns<L> {
  /** The round of its next turn. */
  readonly due: number;
  /** In the order of their turns. */
  readonly members: readonly L[];
}

/** One in a queue that is ahead, and one in each of two that have a quota. */
const mostInAdvance = 3;

/**
 * A namespace has one turn in each round, in whatever queues it waits. Its turns go to its queues one after the other, to one that is ahead
 * after any other one.
 */
export function createRounds<T extends { readonly tenant: Tenant }, L extends SharingQueue<T>>(
  members: readonly L[],
) {
  const waiting = new Map<string, NamespaceTurns<L>>();
  let round = 0;
  const turnsOf = (namespace: string): NamespaceTurns<L> => waiting.get(namespace) ?? { due: round, members };

  const whose = (mayServe: (member: L, namespace: string) => boolean) => {
    let first: { namespace: string; member: L; at: number; rank: number } | undefined;
    for (const [namespace, own] of waiting) {
      const open = own.members.filter((one) => one.queue.has(namespace) && mayServe(one, namespace));
      const ahead = open.some(({ isAhead }) => isAhead) ? 1 : 0;
      const at = Math.max(round, own.due - ahead);
      const rank = 2 * at - ahead;
      const [member] = open;
      if (member && rank < (first?.rank ?? Infinity)) first = { namespace, member, at, rank };
    }
    return first;
  };

  const startRound = (at: number) => {
    round = at;
    // Who waits for nothing is forgotten, unless it has had turns in advance.
    for (const [namespace, { due }] of waiting)
      if (due <= round && !members.some(({ queue }) => queue.has(namespace))) waiting.delete(namespace);
  };

  return {
    /** To be called when an item that comes need not wait: then nobody has lost anything by turns in advance. */
    forget: () => waiting.clear(),
    add(member: L, item: T): ReturnType<FairQueue<T>['add']> {
      waiting.set(item.tenant.namespace, turnsOf(item.tenant.namespace));
      return member.queue.add(item.tenant, item);
    },
    /** Takes the next item of those that may be served. */
    next(
      mayServe: (member: L, namespace: string) => boolean,
    ): { readonly member: L; readonly item: T } | undefined {
      const turn = whose(mayServe);
      if (!turn) return undefined;
      const { member, at } = turn;
      const mayUse = (other: string) => mayServe(member, other) && turnsOf(other).due <= at + mostInAdvance;
      const item = member.queue.next(member.quota ? mayUse : (other) => other === turn.namespace);
      if (!item) return undefined;
      const { namespace } = item.tenant;
      waiting.set(namespace, afterTurn(turnsOf(namespace), turn));
      if (at > round) startRound(at);
      return { member, item };
    },
  };
}

function afterTurn<L extends { readonly isAhead?: boolean }>(
  own: NamespaceTurns<L>,
  { member, at }: { member: L; at: number },
): NamespaceTurns<L> {
  const others = own.members.filter((other) => other !== member);
  others.sort((one, other) => Number(other.isAhead === true) - Number(one.isAhead === true));
  return { due: Math.max(at, own.due) + 1, members: [...others, member] };
}
