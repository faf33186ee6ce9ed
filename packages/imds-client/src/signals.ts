import type { AbortSignalLike } from './types.ts';

/** Calls the listener when the signal aborts, unless the function that it returns was called. */
export function onAbort(signal: AbortSignalLike | undefined, listener: () => void): () => void {
  signal?.addEventListener('abort', listener);
  return () => signal?.removeEventListener('abort', listener);
}

/** Rejects with the signal's reason when it aborts: ends the wait for what ignores its signal. */
export function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    onAbort(signal, () => reject(signal.reason as Error));
  });
}
