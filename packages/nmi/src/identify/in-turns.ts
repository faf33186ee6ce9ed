/** One at a time. Whoever asks while one is under way gets the answer of the next: that one was asked later than he did. */
export function inTurns<T>(ask: () => Promise<T>): () => Promise<T> {
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
