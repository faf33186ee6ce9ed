import type { Clock } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn, type TurnQueue, type Questioner } from '../../waiting/turn-queues.ts';

export interface MetadataPace {
  /** For questions for tokens. */
  readonly tokens: TurnQueue;
  /** Runs another read in its turn; undefined when it cannot wait, or its turn did not come, or its caller left. */
  readonly read: <T>(questioner: Questioner, task: () => Promise<T>) => Promise<T | undefined>;
}

/** What the metadata service takes from one machine: five at a time and twenty in a second, whoever asks. */
const all = { atATime: 5, quota: { burst: 5, perSecond: 15 }, perNamespace: 3, patienceMs: 10_000 };
/** What one namespace may have waiting is asked within the patience; more could not be answered in time. */
const tokens = { atATime: 5, waiting: { total: 256, perNamespace: 128, perPod: 32 } };
/** The limit for everything but tokens is five in a second. Tokens always have three places left. */
const reads = {
  atATime: 2,
  quota: { burst: 1, perSecond: 3 },
  waiting: { total: 64, perNamespace: 32, perPod: 8 },
};

/** All that this process asks the metadata service goes through one of these. Waiting here for a moment is better than a 429. */
export function createMetadataPace(clock: Clock): MetadataPace {
  const queues = createTurnQueues({ clock, all, queues: { tokens, reads } });
  return {
    tokens: queues.tokens,
    read: (questioner, task) => runInTurn(queues.reads, questioner, task),
  };
}
