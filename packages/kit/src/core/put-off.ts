import type { Clock } from './clock.ts';

interface PuttingOff {
  readonly clock: Pick<Clock, 'after'>;
  readonly signal: AbortSignal | undefined;
  /** While true, the end is put off. */
  readonly outlives?: (() => boolean) | undefined;
}

const againMs = 1_000;

/**
 * Calls `end` when the signal aborts, or later, when `outlives` returns false; at once if it has aborted already. To be called with the
 * returned function: removes the listener.
 */
export function endWith({ clock, signal, outlives }: PuttingOff, end: (reason: unknown) => void): () => void {
  let timer = { cancel: (): void => undefined };
  const stop = () => end(signal?.reason);
  const onAbort = () => {
    if (outlives?.() === true) timer = clock.after(againMs, onAbort);
    else stop();
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return () => {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  };
}
