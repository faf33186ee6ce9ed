import {
  createLimit,
  createTokenBucket,
  type Clock,
  type Limit,
  type TokenBucket,
} from '@pod-identity/kit/core';

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
  const places = { all: createLimit(all.atATime), reads: createLimit(reads.atATime) };
  const quotas = { all: quotaOf(all, clock), reads: quotaOf(reads, clock) };
  let waiting = 0;

  return {
    token: (task) => places.all(() => paced(task, [quotas.all], clock)),
    read(task) {
      if (waiting >= reads.waiting) return undefined;
      waiting += 1;
      return places.reads(() => {
        waiting -= 1;
        return places.all(() => paced(task, [quotas.all, quotas.reads], clock));
      });
    },
  };
}

function quotaOf({ burst, perSecond }: { burst: number; perSecond: number }, clock: Clock): TokenBucket {
  return createTokenBucket({ capacity: burst, refillPerMs: perSecond / 1000, now: clock.now() });
}

/** Takes from all quotas in the moment when it starts: what was taken sooner would come on top of what is taken then. */
async function paced<T>(task: () => Promise<T>, quotas: readonly TokenBucket[], clock: Clock): Promise<T> {
  for (;;) {
    const now = clock.now();
    const empty = quotas.filter((quota) => quota.available(now) < 1);
    if (empty.length === 0) break;
    await clock.sleep(Math.max(...empty.map((quota) => quota.take(now))));
  }
  for (const quota of quotas) quota.take(clock.now());
  return task();
}
