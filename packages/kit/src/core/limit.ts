/** Runs a task as soon as one of the places is free; settles as the task does. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** At most `concurrency` tasks at a time, first come first served. A failing task gives its place back. */
export function createLimit(concurrency: number): Limit {
  if (!(concurrency >= 1)) throw new TypeError(`concurrency must be at least 1, not ${concurrency}`);
  const waiting: (() => void)[] = [];
  let running = 0;

  // A place is handed on directly: it never looks free between two tasks, so nobody can jump the queue.
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
