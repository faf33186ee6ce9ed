export interface TimeSlices {
  /** Runs a piece of synchronous work when its turn comes. */
  run<T>(work: () => T): Promise<T>;
}

/**
 * Runs pieces of work one after another and yields to timers and sockets after each slice, so that the lease is renewed and watches are
 * read however much there is to plan.
 */
export function createTimeSlices(options: {
  readonly now: () => number;
  readonly sliceMs: number;
  /** Lets other ready work run first. */
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
