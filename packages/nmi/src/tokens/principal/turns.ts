/** One task at a time; undefined when too many of this name wait already. */
export type Turns = <T>(name: string, task: () => Promise<T>) => Promise<T> | undefined;

type Task = () => Promise<unknown>;

const waitingOfName = 64;

/** Names take turns: a name waits for one task of each other name, however many wait under that. */
export function createTurns(): Turns {
  const waiting = new Map<string, readonly Task[]>();
  let isRunning = false;

  const runAll = async () => {
    isRunning = true;
    // The order of a Map is that of insertion: a name that had its turn goes to the end.
    for (let next = waiting.entries().next(); !next.done; next = waiting.entries().next()) {
      const [name, [task, ...rest]] = next.value;
      keep(name, rest);
      await task?.();
      const left = waiting.get(name) ?? [];
      waiting.delete(name);
      keep(name, left);
    }
    isRunning = false;
  };
  const keep = (name: string, tasks: readonly Task[]) => {
    if (tasks.length > 0) waiting.set(name, tasks);
    else waiting.delete(name);
  };

  return <T>(name: string, task: () => Promise<T>) => {
    const tasks = waiting.get(name) ?? [];
    if (tasks.length >= waitingOfName) return undefined;
    const { promise, resolve } = Promise.withResolvers<T>();
    waiting.set(name, [
      ...tasks,
      () => {
        const running = task();
        resolve(running);
        return running.catch(() => undefined);
      },
    ]);
    if (!isRunning) void runAll();
    return promise;
  };
}
