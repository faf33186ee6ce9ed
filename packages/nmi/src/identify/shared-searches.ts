import type { Clock } from '@pod-identity/kit/core';
import type { Patience } from '../waiting/await-change.ts';
import type { Found, Lookup } from './holder-memory.ts';

/** Finds the pod of a connection. `gone` aborts when the last caller that waited for it has left. */
export type Search = (lookup: Lookup, gone: AbortSignal) => Promise<Found>;

/** impatient: the caller left, or its deadline passed. abandoned: the search ended early, because its callers had left. */
export type Unfound = 'impatient' | 'abandoned';

interface Shared {
  readonly found: Promise<Found>;
  readonly end: AbortController;
  callers: number;
}

/** One search serves all callers from an address. It is aborted when the last of them leaves. */
export function createSharedSearches(search: Search, clock: Clock) {
  const searches = new Map<string, Shared>();

  const start = (lookup: Lookup): Shared => {
    const end = new AbortController();
    const shared: Shared = { found: search(lookup, end.signal), end, callers: 0 };
    searches.set(lookup.address, shared);
    const forget = () => searches.delete(lookup.address);
    shared.found.then(forget, forget);
    return shared;
  };

  return {
    running: (address: string) => searches.has(address),
    /** Waits for the running search for the address, or starts one. */
    async join(lookup: Lookup, patience: Patience): Promise<Found | Unfound> {
      const shared = searches.get(lookup.address) ?? start(lookup);
      // An aborted search may still wait for an answer. There is one search at a time for each address, so the next begins after it.
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

/** With `--hold=0s` callers wait this long for the answer of the API server. */
const unheldWaitMs = 2_000;

function whilePatient<T>(found: Promise<T>, patience: Patience, clock: Clock): Promise<T | 'impatient'> {
  const { gone } = patience.caller;
  const { promise, resolve, reject } = Promise.withResolvers<T | 'impatient'>();
  const giveUp = () => resolve('impatient');
  const leftMs = patience.deadline - clock.elapsed();
  const timer = clock.after(leftMs > 0 ? leftMs : unheldWaitMs, giveUp);
  gone.addEventListener('abort', giveUp);
  if (gone.aborted) giveUp();
  found.then(resolve, reject);
  return promise.finally(() => {
    timer.cancel();
    gone.removeEventListener('abort', giveUp);
  });
}
