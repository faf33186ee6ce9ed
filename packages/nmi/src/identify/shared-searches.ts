import type { Clock } from '@pod-identity/kit/core';
import type { Patience } from '../waiting/await-change.ts';
import type { Found, Look } from './findings.ts';

/** Finds out who has the address of a connection. `gone` aborts when nobody waits for the answer any more. */
export type Search = (look: Look, gone: AbortSignal) => Promise<Found>;

export interface SharedSearches {
  running(address: string): boolean;
  /** Waits for the search that is running for the address, or starts one. */
  join(look: Look, patience: Patience): Promise<Found | Unfound>;
}

/** impatient: the caller hung up, or its time is over. abandoned: the search ended early, for its callers had left before. */
export type Unfound = 'impatient' | 'abandoned';

interface Shared {
  readonly found: Promise<Found>;
  readonly end: AbortController;
  callers: number;
}

/** A search is for all callers from an address. It ends with the last of them: one that hangs up does not end it for others. */
export function createSharedSearches(search: Search, clock: Clock): SharedSearches {
  const searches = new Map<string, Shared>();

  const start = (look: Look): Shared => {
    const end = new AbortController();
    const shared: Shared = { found: search(look, end.signal), end, callers: 0 };
    searches.set(look.address, shared);
    const forget = () => searches.delete(look.address);
    shared.found.then(forget, forget);
    return shared;
  };

  return {
    running: (address) => searches.has(address),
    async join(look, patience) {
      const shared = searches.get(look.address) ?? start(look);
      // An abandoned search may still wait for an answer. The next one begins after it: there is one for each address at a time.
      const isAbandoned = shared.end.signal.aborted;
      shared.callers += 1;
      try {
        const found = await whilePatient(shared.found, patience, clock);
        return isAbandoned && found !== 'impatient' ? 'abandoned' : found;
      } finally {
        shared.callers -= 1;
        if (shared.callers === 0) shared.end.abort();
      }
    },
  };
}

/** An answer takes a moment: a caller that is not held for an assignment (`--hold=0s`) waits for it all the same. */
const unheldWaitMs = 2_000;

function whilePatient<T>(found: Promise<T>, patience: Patience, clock: Clock): Promise<T | 'impatient'> {
  const { gone } = patience.caller;
  const { promise, resolve, reject } = Promise.withResolvers<T | 'impatient'>();
  const giveUp = () => resolve('impatient');
  const leftMs = patience.deadline - clock.now();
  const timer = clock.after(leftMs > 0 ? leftMs : unheldWaitMs, giveUp);
  gone.addEventListener('abort', giveUp);
  if (gone.aborted) giveUp();
  found.then(resolve, reject);
  return promise.finally(() => {
    timer.cancel();
    gone.removeEventListener('abort', giveUp);
  });
}
