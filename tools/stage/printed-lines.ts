/** The lines that a program has printed, and waits for further ones. */
export interface PrintedLines {
  readonly all: readonly string[];
  add(line: string): void;
  /** The end of the output; rejects all waits. */
  close(why: string): void;
  /** The first line, past or future, that fits. */
  first(fits: (line: string) => boolean, withinMs: number): Promise<string>;
}

interface Waiter {
  readonly fits: (line: string) => boolean;
  resolve(line: string): void;
  reject(error: Error): void;
}

/** @param name The program's name, for errors. */
export function createPrintedLines(name: string): PrintedLines {
  const all: string[] = [];
  const waiters = new Set<Waiter>();
  let closed: string | undefined;
  const failure = (what: string) =>
    new Error(`${name} ${what}; its last lines:\n  ${all.slice(-15).join('\n  ')}`);

  return {
    all,
    add: (line) => {
      all.push(line);
      for (const waiter of waiters) if (waiter.fits(line)) waiter.resolve(line);
    },
    close: (why) => {
      closed = why;
      for (const waiter of waiters) waiter.reject(failure(why));
    },
    first: async (fits, withinMs) => {
      const past = all.find(fits);
      if (past !== undefined) return past;
      if (closed !== undefined) throw failure(closed);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const waiter: Waiter = { fits, resolve, reject };
      waiters.add(waiter);
      const timer = setTimeout(
        () => reject(failure(`did not print the line awaited within ${withinMs} ms`)),
        withinMs,
      );
      return promise.finally(() => {
        clearTimeout(timer);
        waiters.delete(waiter);
      });
    },
  };
}
