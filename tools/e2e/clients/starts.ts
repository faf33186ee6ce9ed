// Starting a process is work, and hundreds wait to start: a few at a time, so that none of them starves.
export interface Starts {
  /** Runs `start` in its turn; the turn ends when `started` does, or when the run itself ends. */
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
