/** One call at a time. Who calls while one is in progress gets the result of the next, which begins after that call. */
export function oneAtATime<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const begin = () => {
    next = undefined;
    const asking = ask();
    last = asking.catch(() => undefined);
    return asking;
  };
  return () => (next ??= last.then(begin));
}
