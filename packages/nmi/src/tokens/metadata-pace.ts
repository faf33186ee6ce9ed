import { createLimit, createTokenBucket, type Clock, type Limit } from '@pod-identity/kit/core';

export interface MetadataPace {
  /** Runs a question for a token in its turn. */
  readonly token: Limit;
  /** Runs another read in its turn, after those for tokens; undefined when too many wait already. */
  readonly read: <T>(task: () => Promise<T>) => Promise<T> | undefined;
}

/** What the metadata service takes from one machine: five at a time and twenty in a second, whoever asks. */
const all = { atATime: 5, burst: 5, perSecond: 15 };
/** Its limit for everything but tokens is five in a second. Tokens always have three places left. */
const reads = { atATime: 2, burst: 1, perSecond: 3, waiting: 64 };

/** All that this process asks the metadata service goes through one of these. Waiting here for a moment is better than a 429. */
export function createMetadataPace(clock: Clock): MetadataPace {
  const shared = lane(clock, all);
  const forReads = lane(clock, reads);
  let waiting = 0;

  return {
    token: shared,
    read(task) {
      if (waiting >= reads.waiting) return undefined;
      waiting += 1;
      return forReads(() => {
        waiting -= 1;
        return shared(task);
      });
    },
  };
}

function lane(clock: Clock, { atATime, burst, perSecond }: Omit<typeof all, 'waiting'>): Limit {
  const inTurn = createLimit(atATime);
  const quota = createTokenBucket({ capacity: burst, refillPerMs: perSecond / 1000, now: clock.now() });
  return (task) =>
    inTurn(async () => {
      for (let waitMs = quota.take(clock.now()); waitMs > 0; waitMs = quota.take(clock.now()))
        await clock.sleep(waitMs);
      return task();
    });
}
