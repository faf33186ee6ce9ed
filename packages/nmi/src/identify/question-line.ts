import { createTokenBucket, type Clock, type Timer } from '@pod-identity/kit/core';

export interface QuestionLineOptions {
  readonly clock: Clock;
  /** Questions under way at a time. */
  readonly atATime: number;
  /** Questions begun in a second, on average; as many may begin at once. */
  readonly perSecond: number;
  /** How long a question waits for its turn before it is given up. */
  readonly patienceMs: number;
}

/** Asks when it is the question's turn; undefined when that did not come in time. */
export type QuestionLine = <T>(ask: () => Promise<T>) => Promise<T | undefined>;

/** Keeps the agent from flooding the API server, whatever its callers do. First come, first served. */
export function createQuestionLine(options: QuestionLineOptions): QuestionLine {
  const { clock, patienceMs } = options;
  const waiting = new Set<() => void>();
  const turns = createTurns(options, waiting);

  const turn = () =>
    new Promise<boolean>((resolve) => {
      const settle = (isTurn: boolean) => {
        waiting.delete(enter);
        patience.cancel();
        resolve(isTurn);
      };
      const enter = () => settle(true);
      const patience = clock.after(patienceMs, () => settle(false));
      waiting.add(enter);
      turns.goOn();
    });

  return async (ask) => {
    if (!(await turn())) return undefined;
    try {
      return await ask();
    } finally {
      turns.leave();
    }
  };
}

/** Lets in those who wait, in their order, as places and time allow. */
function createTurns({ clock, atATime, perSecond }: QuestionLineOptions, waiting: Set<() => void>) {
  const refillPerMs = perSecond / 1000;
  const bucket = createTokenBucket({ capacity: perSecond, refillPerMs, now: clock.now() });
  let running = 0;
  let alarm: Timer | undefined;

  const goOn = () => {
    for (const enter of waiting) {
      if (running >= atATime) return;
      const pauseMs = bucket.take(clock.now());
      if (pauseMs > 0) {
        goOnAfter(pauseMs);
        return;
      }
      running += 1;
      enter();
    }
  };
  const goOnAfter = (pauseMs: number) => {
    alarm ??= clock.after(pauseMs, () => {
      alarm = undefined;
      goOn();
    });
  };

  return {
    goOn,
    leave() {
      running -= 1;
      goOn();
    },
  };
}
