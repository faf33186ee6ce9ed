import type { Clock } from '@pod-identity/kit/core';

export interface Patience {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** The signal aborts when there is nobody left to answer. It is asked for only by those who wait. */
  readonly caller: { readonly gone: AbortSignal };
}

/** Something that says when it has changed; answers the function that stops listening. */
export type Changes = (listener: () => void) => () => void;

/**
 * Looks again at every change until there is an answer; undefined at the deadline, or when nobody waits any longer. No
 * polling, and no change can fall between a look and the wait: both happen in one turn.
 */
export function awaitChange<T>(
  look: () => T | undefined,
  patience: Patience,
  { clock, changes }: { readonly clock: Clock; readonly changes: Changes },
): Promise<T | undefined> {
  const { gone } = patience.caller;
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
  const finish = (answer: T | undefined) => {
    stopListening();
    timer.cancel();
    gone.removeEventListener('abort', giveUp);
    resolve(answer);
  };
  const giveUp = () => finish(undefined);
  const lookAgain = () => {
    try {
      const answer = look();
      if (answer !== undefined) finish(answer);
    } catch (error) {
      reject(error);
      giveUp();
    }
  };
  const stopListening = changes(lookAgain);
  const timer = clock.after(Math.max(0, patience.deadline - clock.now()), giveUp);
  gone.addEventListener('abort', giveUp);
  if (gone.aborted) giveUp();
  else lookAgain();
  return promise;
}
