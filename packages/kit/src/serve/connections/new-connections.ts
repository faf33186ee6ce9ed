// How many connections callers may open. One costs as much processor time as a request, also if its client closes it before it is read.
import type { Socket } from 'node:net';
import { createBudgets, type Budget } from '../../core/budgets.ts';
import type { Clock } from '../../core/clock.ts';
import type { LimitEffect } from '../../core/limit-effect.ts';
import { callerAddress } from '../../core/peer-address.ts';

export interface NewConnectionLimits {
  /** What a caller may always open, so that a busy neighbour of its group never closes its connections. */
  readonly ofCaller: Budget;
  /** What all callers of a group may open beyond that. */
  readonly ofGroup: Budget;
}

/** For connections without TLS. */
const usual: NewConnectionLimits = {
  ofCaller: { burst: 20, perSecond: 5 },
  ofGroup: { burst: 1_000, perSecond: 500 },
};

interface Options {
  readonly newConnections?: NewConnectionLimits;
  /** 0: unlimited, and any number of new connections. */
  readonly requestsPerSecond: number;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly onLimited: (effect: LimitEffect, peer: string) => void;
  readonly isOwn: (peer: string) => boolean;
}

/** Counts a new connection, and closes it if there are too many. Returns whether it is to be served. */
export function createAdmission(
  { newConnections: { ofCaller, ofGroup } = usual, requestsPerSecond, clock, onLimited, isOwn }: Options,
  groupNameOf: (peer: string) => string,
): (socket: Socket) => boolean {
  const callers = createBudgets(ofCaller);
  const groups = createBudgets(ofGroup);
  const mayConnect = (peer: string) => {
    if (requestsPerSecond === 0 || isOwn(peer)) return true;
    const now = clock.elapsed();
    return callers.take(peer, now) || groups.take(groupNameOf(peer), now);
  };
  return (socket) => {
    const peer = callerAddress(socket.remoteAddress);
    if (mayConnect(peer)) return true;
    socket.destroy();
    onLimited('turned-away', peer);
    return false;
  };
}
