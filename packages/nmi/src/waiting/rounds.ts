import type { FairQueue, Tenant } from '@pod-identity/kit/core';

/** One of several queues that share turns. */
export interface Lane<T extends object> {
  readonly queue: FairQueue<T>;
  /** A namespace that waits in it goes first in its round, and may have the turn of its next round in advance. */
  readonly isAhead?: boolean;
  /** Namespaces take turns in it, too: otherwise those that have turns for other questions would have none of its quota. */
  readonly quota?: object;
}

interface Seat<L> {
  /** The round of its next turn. */
  readonly due: number;
  /** In the order of their turns. */
  readonly lanes: readonly L[];
}

/** One in a queue that is ahead, and one in each of two that have a quota. */
const mostInAdvance = 3;

/**
 * A namespace has one turn in each round, in whatever queues it waits. Its turns go to its queues one after the other, to one that is ahead
 * after any other one.
 */
export function createRounds<T extends { readonly tenant: Tenant }, L extends Lane<T>>(lanes: readonly L[]) {
  const seats = new Map<string, Seat<L>>();
  let round = 0;
  const seatOf = (namespace: string): Seat<L> => seats.get(namespace) ?? { due: round, lanes };

  const whose = (mayServe: (lane: L, namespace: string) => boolean) => {
    let first: { namespace: string; lane: L; at: number; rank: number } | undefined;
    for (const [namespace, seat] of seats) {
      const open = seat.lanes.filter((one) => one.queue.has(namespace) && mayServe(one, namespace));
      const ahead = open.some(({ isAhead }) => isAhead) ? 1 : 0;
      const at = Math.max(round, seat.due - ahead);
      const rank = 2 * at - ahead;
      const [lane] = open;
      if (lane && rank < (first?.rank ?? Infinity)) first = { namespace, lane, at, rank };
    }
    return first;
  };

  const startRound = (at: number) => {
    round = at;
    // Who waits for nothing is forgotten, unless it has had turns in advance.
    for (const [namespace, { due }] of seats)
      if (due <= round && !lanes.some(({ queue }) => queue.has(namespace))) seats.delete(namespace);
  };

  return {
    /** To be called when an item that comes need not wait: then nobody has lost anything by turns in advance. */
    forget: () => seats.clear(),
    add(lane: L, item: T): ReturnType<FairQueue<T>['add']> {
      seats.set(item.tenant.namespace, seatOf(item.tenant.namespace));
      return lane.queue.add(item.tenant, item);
    },
    /** Takes the next item of those that may be served. */
    next(
      mayServe: (lane: L, namespace: string) => boolean,
    ): { readonly lane: L; readonly item: T } | undefined {
      const turn = whose(mayServe);
      if (!turn) return undefined;
      const { lane, at } = turn;
      const mayUse = (other: string) => mayServe(lane, other) && seatOf(other).due <= at + mostInAdvance;
      const item = lane.queue.next(lane.quota ? mayUse : (other) => other === turn.namespace);
      if (!item) return undefined;
      const { namespace } = item.tenant;
      seats.set(namespace, afterTurn(seatOf(namespace), turn));
      if (at > round) startRound(at);
      return { lane, item };
    },
  };
}

function afterTurn<L extends { readonly isAhead?: boolean }>(
  seat: Seat<L>,
  { lane, at }: { lane: L; at: number },
): Seat<L> {
  const others = seat.lanes.filter((other) => other !== lane);
  others.sort((one, other) => Number(other.isAhead === true) - Number(one.isAhead === true));
  return { due: Math.max(at, seat.due) + 1, lanes: [...others, lane] };
}
