import type { Clock, FairQueueLimits } from '@pod-identity/kit/core';
import { createFairLines, runInTurn, type Questioner } from '../waiting/fair-lines.ts';

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
  return (questioner, ask) => runInTurn(questions, questioner, ask);
}
