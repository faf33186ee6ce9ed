import type { Clock, Tenant } from '@pod-identity/kit/core';
import { createFairLines, type Line } from '../fair-lines.ts';

export interface MetadataPace {
  /** For questions for tokens. */
  readonly tokens: Line;
  /** Runs another read in its turn; undefined when it cannot wait, or its turn did not come, or its caller left. */
  readonly read: <T>(asker: ReadAsker, task: () => Promise<T>) => Promise<T | undefined>;
}

/** On whose behalf something is read. */
export interface ReadAsker {
  readonly tenant: Tenant;
  readonly gone: AbortSignal;
}

/** What the metadata service takes from one machine: five at a time and twenty in a second, whoever asks. */
const all = { atATime: 5, quota: { burst: 5, perSecond: 15 }, perNamespace: 3, patienceMs: 10_000 };
/** What one namespace may have waiting is asked within the patience; more could not be answered in time. */
const tokens = { atATime: 5, waiting: { total: 256, perNamespace: 128, perPod: 32 } };
/** The limit for everything but tokens is five in a second. Tokens always have three places left. */
const reads = {
  ...{ atATime: 2, quota: { burst: 1, perSecond: 3 } },
  waiting: { total: 64, perNamespace: 32, perPod: 8 },
};

/** All that this process asks the metadata service goes through one of these. Waiting here for a moment is better than a 429. */
export function createMetadataPace(clock: Clock): MetadataPace {
  const lines = createFairLines({ clock, all, lines: { tokens, reads } });
  return {
    tokens: lines.tokens,
    read: ({ tenant, gone }, task) => inTurn(lines.reads, { tenant, gone }, task),
  };
}

async function inTurn<T>(
  line: Line,
  { tenant, gone }: ReadAsker,
  task: () => Promise<T>,
): Promise<T | undefined> {
  const turn = Promise.withResolvers<(() => void) | undefined>();
  const giveUp = () => turn.resolve(undefined);
  const place = gone.aborted ? undefined : line.enter(tenant, { begin: turn.resolve, giveUp });
  if (!place) return undefined;
  const withdraw = () => {
    place.withdraw();
    giveUp();
  };
  gone.addEventListener('abort', withdraw, { once: true });
  const leave = await turn.promise;
  gone.removeEventListener('abort', withdraw);
  if (!leave) return undefined;
  try {
    return await task();
  } finally {
    leave();
  }
}
