import type { Clock, FairQueueLimits } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn, type Questioner } from '../waiting/turn-queues.ts';

export interface QuestionQueueOptions {
  readonly clock: Clock;
  /** Questions in progress, of all namespaces and of one. */
  readonly atATime: number;
  readonly perNamespace: number;
  /** Questions that begin in a second, on average; as many may begin at once. */
  readonly perSecond: number;
  /** How long a question may wait for its turn. */
  readonly patienceMs: number;
  readonly waiting: FairQueueLimits;
}

/** Calls `ask` when it is the question's turn; undefined if the turn did not come in time, or the questioner left. */
export type QuestionQueue = <T>(questioner: Questioner, ask: () => Promise<T>) => Promise<T | undefined>;

/** Limits how many questions callers can cause to the API server. Namespaces take turns, within a namespace its pods. */
export function createQuestionQueue({ waiting, perSecond, ...options }: QuestionQueueOptions): QuestionQueue {
  const { clock, atATime, perNamespace, patienceMs } = options;
  const { questions } = createTurnQueues({
    clock,
    all: { atATime, perNamespace, patienceMs, quota: { burst: perSecond, perSecond } },
    queues: { questions: { atATime, waiting } },
  });
  return (questioner, ask) => runInTurn(questions, questioner, ask);
}
