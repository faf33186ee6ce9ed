// Starts hundreds of processes a few at a time, so that each gets enough processor time to start.
export interface Starts {
  /** Runs `start` in turn; the turn ends with `started`, or with the run. */
  run<T>(start: () => Promise<T>, started: Promise<unknown>): Promise<T>;
}

export function createStarts(atOnce: number): Starts {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  const turn = async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const end = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async run(start, started) {
      await turn();
      const running = start();
      void Promise.race([started, running.catch(() => undefined)]).then(end);
      return running;
    },
  };
}
