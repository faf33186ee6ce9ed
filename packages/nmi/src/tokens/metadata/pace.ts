import type { Clock } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn, type TurnQueue, type TurnCaller } from '../../waiting/turn-queues.ts';
import type { LastResponse } from '../types.ts';

export interface MetadataPace {
  /** Requests for known identities begin before others, of each namespace one in a round. */
  readonly tokens: Readonly<Record<LastResponse, TurnQueue>>;
  /** Runs a read of other metadata in its turn; undefined if there is no place or turn, or the caller left. */
  readonly read: <T>(caller: TurnCaller, task: () => Promise<T>) => Promise<T | undefined>;
}

/** The metadata service accepts five requests at a time and twenty a second from one machine. */
const all = { atATime: 5, quota: { burst: 5, perSecond: 15 }, patienceMs: 10_000 };
/** More waiting requests of one namespace could not be sent in time. */
const tokens = { atATime: 5, waiting: { total: 256, perNamespace: 128, perPod: 32 } };
const known = { ...tokens, isAhead: true };
/** Requests for unknown identities: less than a third of what the service accepts, however many pods wait for their identities. */
const unknown = {
  atATime: 2,
  quota: { burst: 1, perSecond: 6 },
  waiting: { total: 256, perNamespace: 64, perPod: 16 },
};
/**
 * Everything but tokens is limited to five a second by the service; three places are reserved for tokens. A read may take its whole timeout
 * (the first one of scheduled events takes minutes), as long as another namespace waits for its turn.
 */
const reads = {
  atATime: 2,
  quota: { burst: 1, perSecond: 3 },
  waiting: { total: 64, perNamespace: 32, perPod: 8 },
};

/** All requests of this process to the metadata service go through these queues: a short wait is better than a 429. */
export function createMetadataPace(clock: Clock): MetadataPace {
  const queues = createTurnQueues({ clock, all, queues: { known, new: tokens, unknown, reads } });
  return {
    tokens: queues,
    read: (caller, task) => runInTurn(queues.reads, caller, task),
  };
}
