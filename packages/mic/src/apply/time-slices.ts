export interface TimeSlices {
  /** Runs a piece of synchronous work when its turn comes. */
  run<T>(work: () => T): Promise<T>;
}

/**
 * Pieces of work one after the other, with a breath for timers and sockets whenever a slice is used up: however much
 * there is to plan, the lease is renewed and the watches are read meanwhile.
 */
export function createTimeSlices(options: {
  readonly now: () => number;
  readonly sliceMs: number;
  /** Lets everything else that is ready run first. */
  readonly yieldTurn: () => Promise<void>;
}): TimeSlices {
  const { now, sliceMs, yieldTurn } = options;
  let tail: Promise<unknown> = Promise.resolve();
  let sliceEnds = 0;

  const whenDue = async <T>(work: () => T): Promise<T> => {
    if (now() >= sliceEnds) {
      await yieldTurn();
      sliceEnds = now() + sliceMs;
    }
    return work();
  };

  return {
    run(work) {
      const turn = tail.then(() => whenDue(work));
      tail = turn.catch(() => undefined);
      return turn;
    },
  };
}
