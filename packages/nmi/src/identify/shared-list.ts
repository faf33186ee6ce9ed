import { createTokenBucket, type Clock, type Timer } from '@pod-identity/kit/core';

/** A list of the node's pods costs the API server up to half a second of a processor in a large cluster. */
const listsAtOnce = 8;
const longestPauseMs = 1_000;

/**
 * Limits how often `list` is called. One call at a time serves all callers that came before it began: a caller waits for the end of
 * the one in progress and at most a second more, whoever else calls. Undefined: the caller has left. `ageMs`: how long a confirmation is
 * valid; that often a list may be made, or once a second.
 */
export function createSharedList<T>(
  clock: Clock,
  ageMs: number,
  list: () => Promise<T>,
): (gone: AbortSignal) => Promise<T | undefined> {
  const waiting = new Set<(listing: Promise<T> | undefined) => void>();
  const refillPerMs = 1 / Math.min(longestPauseMs, Math.max(1, ageMs));
  const budget = createTokenBucket({ capacity: listsAtOnce, refillPerMs, now: clock.elapsed() });
  let isRunning = false;
  let alarm: Timer | undefined;

  const begin = () => {
    alarm?.cancel();
    if (isRunning || waiting.size === 0) return;
    const pauseMs = budget.take(clock.elapsed());
    if (pauseMs > 0) {
      alarm = clock.after(pauseMs, begin);
      return;
    }
    isRunning = true;
    const listing = list();
    for (const finish of waiting) finish(listing);
    const end = () => {
      isRunning = false;
      begin();
    };
    listing.then(end, end);
  };

  return async (gone) => {
    if (gone.aborted) return undefined;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const finish = (listing: Promise<T> | undefined) => {
      waiting.delete(finish);
      gone.removeEventListener('abort', leave);
      resolve(listing);
    };
    const leave = () => finish(undefined);
    waiting.add(finish);
    gone.addEventListener('abort', leave);
    // Callers of the same moment share a list.
    void Promise.resolve().then(begin);
    return promise;
  };
}
