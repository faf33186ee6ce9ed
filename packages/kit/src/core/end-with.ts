import type { Clock } from './clock.ts';

interface Ending {
  readonly clock: Pick<Clock, 'after'>;
  readonly signal: AbortSignal | undefined;
  /** While it returns true after the abort, `end` is not called; it is asked again each second. */
  readonly isKeptAlive?: (() => boolean) | undefined;
}

const againMs = 1_000;

/**
 * Calls `end` with the reason when the signal has aborted and `isKeptAlive` returns false; at once, without asking `isKeptAlive`, if the signal has
 * aborted before. Returns a function that removes the listener and the timer.
 */
export function endWith({ clock, signal, isKeptAlive }: Ending, end: (reason: unknown) => void): () => void {
  let timer = { cancel: (): void => undefined };
  const stop = () => end(signal?.reason);
  const onAbort = () => {
    if (isKeptAlive?.() === true) timer = clock.after(againMs, onAbort);
    else stop();
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return () => {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  };
}
