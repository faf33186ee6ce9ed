import type { Clock, FairQueueLimits, Tenant } from '@pod-identity/kit/core';
import { createFairLines } from '../fair-lines.ts';

export interface QuestionLineOptions {
  readonly clock: Clock;
  /** Questions under way at a time, of all namespaces and of one. */
  readonly atATime: number;
  readonly perNamespace: number;
  /** Questions begun in a second, on average; as many may begin at once. */
  readonly perSecond: number;
  /** How long a question waits for its turn before it is given up. */
  readonly patienceMs: number;
  readonly waiting: FairQueueLimits;
}

/** Who a question is charged to, and who waits for its answer. */
export interface Questioner {
  readonly tenant: Tenant;
  /** Aborts when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

/** Asks when it is the question's turn; undefined when that did not come in time, or nobody waits for it any more. */
export type QuestionLine = <T>(questioner: Questioner, ask: () => Promise<T>) => Promise<T | undefined>;

/** Keeps the agent from flooding the API server, whatever its callers do. Namespaces take turns, in each of them its pods. */
export function createQuestionLine({ waiting, perSecond, ...options }: QuestionLineOptions): QuestionLine {
  const { clock, atATime, perNamespace, patienceMs } = options;
  const { questions } = createFairLines({
    clock,
    all: { atATime, perNamespace, patienceMs, quota: { burst: perSecond, perSecond } },
    lines: { questions: { atATime, waiting } },
  });

  /** The function that gives the place back. */
  const turn = ({ tenant, gone }: Questioner): Promise<(() => void) | undefined> => {
    const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>();
    if (gone.aborted) return Promise.resolve(undefined);
    const place = questions.enter(tenant, { begin: resolve, giveUp: () => resolve(undefined) });
    if (!place) return Promise.resolve(undefined);
    const withdraw = () => {
      place.withdraw();
      resolve(undefined);
    };
    gone.addEventListener('abort', withdraw);
    return promise.finally(() => gone.removeEventListener('abort', withdraw));
  };

  return async (questioner, ask) => {
    const leave = await turn(questioner);
    if (!leave) return undefined;
    try {
      return await ask();
    } finally {
      leave();
    }
  };
}
