import type { Clock } from '@pod-identity/kit/core';

export interface Patience {
  /** By `Clock.elapsed`: nobody sets that clock. */
  readonly deadline: number;
  /** The signal aborts when the caller leaves. Created on first use: only requests that wait need it. */
  readonly caller: { readonly gone: AbortSignal };
}

export interface Changes {
  /** Calls the listener after each change. Returns the function that unsubscribes it. */
  subscribe(listener: () => void): () => void;
}

/**
 * Calls `look` now and after each change until it returns a value; returns undefined at the deadline, or when the caller leaves.
 * No change is missed: the first look and the subscription happen in the same turn of the event loop.
 */
export function awaitChange<T>(
  look: () => T | undefined,
  patience: Patience,
  { clock, changes }: { readonly clock: Clock; readonly changes: Changes },
): Promise<T | undefined> {
  const { gone } = patience.caller;
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
  const finish = (result: T | undefined) => {
    unsubscribe();
    timer.cancel();
    gone.removeEventListener('abort', giveUp);
    resolve(result);
  };
  const giveUp = () => finish(undefined);
  const lookAgain = () => {
    try {
      const result = look();
      if (result !== undefined) finish(result);
    } catch (error) {
      reject(error);
      giveUp();
    }
  };
  const unsubscribe = changes.subscribe(lookAgain);
  const timer = clock.after(Math.max(0, patience.deadline - clock.elapsed()), giveUp);
  gone.addEventListener('abort', giveUp);
  if (gone.aborted) giveUp();
  else lookAgain();
  return promise;
}
