export interface Turns {
  /** Runs one task at a time; undefined if too many tasks of this name are waiting. */
  readonly run: <T>(name: string, task: () => Promise<T>) => Promise<T> | undefined;
}

type Task = () => Promise<unknown>;

const waitingOfName = 64;

/** Names take turns: a task waits for at most one task of each other name. */
export function createTurns(): Turns {
  const waiting = new Map<string, readonly Task[]>();
  let isRunning = false;

  const runAll = async () => {
    isRunning = true;
    // A Map keeps the order of insertion: after its turn a name goes to the end.
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

  const run: Turns['run'] = <T>(name: string, task: () => Promise<T>) => {
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
  return { run };
}
