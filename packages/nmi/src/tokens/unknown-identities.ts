import { createBackoff, type Backoff } from '@pod-identity/kit/core';
import type { TokenError } from './errors.ts';
import { createFailures, type Failed } from './failures.ts';

/** Identities that the metadata service did not know at the last request, by namespace of the request. */
export interface UnknownIdentities {
  /** Counts an error once, even if several callers got it. Returns for how long the service has not known the identity. */
  note(asked: Asked, error: TokenError, now: number): number;
  /** Whether it was not known lately. */
  has(asked: Asked, now: number): boolean;
  forget(asked: Omit<Asked, 'isExpected'>): void;
  /** The error to return until the identity may be requested again; `waitMs` until then. */
  recall(asked: Asked, now: number): { readonly error: TokenError; readonly waitMs: number } | undefined;
}

export interface Asked {
  readonly namespace: string;
  readonly identity: string;
  /** Separate entries: an earlier failure from before the assignment does not count. */
  readonly isExpected: boolean;
}

interface Entry {
  readonly error: TokenError;
  readonly since: number;
  readonly last: number;
  readonly askAt: number;
  readonly backoff: Backoff;
}

/** An identity that became known is noticed this late at most. */
const longestHiddenMs = 5_000;
const firstHiddenMs = 1_000;
/** After this time without a request the entry starts again. */
const forgottenMs = 120_000;
const placesKept = { perNamespace: 256, total: 1_000 };

/** Each namespace has its own entries, so that requests of one neither hide identities from another nor evict its entries. */
export function createUnknownIdentities(random: () => number): UnknownIdentities {
  const memory = createFailures<Entry>(placesKept);
  const recent = (asked: Asked, now: number): Entry | undefined => {
    const known = memory.get(failedOf(asked));
    return known && now - known.last < forgottenMs ? known : undefined;
  };

  return {
    note(asked, error, now) {
      const known = memory.get(failedOf(asked));
      if (known?.error === error) return now - known.since;
      const before = recent(asked, now);
      const backoff =
        before?.backoff ?? createBackoff({ baseMs: firstHiddenMs, capMs: longestHiddenMs, random });
      const since = before?.since ?? now;
      memory.set(failedOf(asked), { error, since, last: now, backoff, askAt: now + backoff.next() });
      return now - since;
    },
    has: (asked, now) => recent(asked, now) !== undefined,
    forget({ namespace, identity }) {
      for (const isExpected of [true, false]) memory.delete(failedOf({ namespace, identity, isExpected }));
    },
    recall(asked, now) {
      const entry = memory.get(failedOf(asked));
      const waitMs = (entry?.askAt ?? 0) - now;
      return entry && waitMs > 0 ? { error: entry.error, waitMs } : undefined;
    },
  };
}

function failedOf({ namespace, identity, isExpected }: Asked): Failed {
  return { namespace, name: `${isExpected} ${identity}` };
}
