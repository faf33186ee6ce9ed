export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** Runs at most `concurrency` tasks at a time, in order of arrival. */
export function createLimit(concurrency: number): Limit {
  if (!(concurrency >= 1)) throw new TypeError(`concurrency must be at least 1, not ${concurrency}`);
  const waiting: (() => void)[] = [];
  let running = 0;

  // A place is passed directly to the next task, so that no later task can take it in between.
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
  const enter = async () => {
    if (running < concurrency) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };

  return async (task) => {
    await enter();
    try {
      return await task();
    } finally {
      leave();
    }
  };
}
