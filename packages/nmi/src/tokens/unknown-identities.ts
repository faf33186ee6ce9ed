import { createBackoff, type Backoff, type Clock } from '@pod-identity/kit/core';
import type { Changes } from '../waiting/await-change.ts';
import type { TokenError } from './errors.ts';
import { createFailures, type Failed } from './failures.ts';

/** An identity, by `keyOf`, and the namespace that requests a token of it. */
export interface Asked {
  readonly namespace: string;
  readonly identity: string;
}

/** Identities that the metadata service did not know at the last request, by namespace of the request. */
export interface UnknownIdentities {
  /** The error to return until the identity may be requested again. */
  recall(asked: Asked): TokenError | undefined;
  /** A request begins. If the identity was not known the last time, no other one begins before this one ends; returns the last error then. */
  begin(asked: Asked): TokenError | undefined;
  /** The service does not know it. Counts an error once, even if several callers got it. */
  note(asked: Asked, error: TokenError): void;
  /** A request has ended without saying whether the service knows it. */
  end(asked: Asked): void;
  /** Whether it was not known lately. */
  has(asked: Asked): boolean;
  forget(asked: Asked): void;
  /** The identity may be attached by now: it may be requested at once, or a second after the last request for this reason. */
  hint(asked: Asked): void;
  /** An identity may be requested again. */
  readonly changes: Changes;
}

interface Entry {
  readonly error: TokenError;
  readonly last: number;
  /** Infinity while a request is under way. */
  readonly askAt: number;
  /** When the last hint counts: it is put off if another one has counted in the second before, which anyone may have forged. */
  readonly hintedAt: number;
  /** A hint came while a request was under way. */
  readonly isHinted: boolean;
  readonly backoff: Backoff;
}

/** An identity that became known is noticed this late at most, without a hint. */
const longestHiddenMs = 5_000;
const firstHiddenMs = 1_000;
const hintPauseMs = 1_000;
/** The entry starts again when the service has not said for so long that it does not know the identity. */
const forgottenMs = 120_000;
const placesKept = { perNamespace: 256, total: 1_000 };

interface UnknownOptions {
  readonly clock: Clock;
  readonly random: () => number;
}

/** Each namespace has its own entries, so that requests of one neither hide identities from another nor evict its entries. */
export function createUnknownIdentities({ clock, random }: UnknownOptions): UnknownIdentities {
  const book = createEntries(clock);
  const { entries, changes } = book;
  const recent = (asked: Asked): Entry | undefined => {
    const entry = entries.get(failedOf(asked));
    return entry && clock.elapsed() - entry.last < forgottenMs ? entry : undefined;
  };
  const pause = (asked: Asked, entry: Omit<Entry, 'askAt'>) => {
    const now = clock.elapsed();
    const hintedMs = entry.isHinted ? Math.max(0, entry.hintedAt - now) : Infinity;
    book.keep(asked, { ...entry, isHinted: false, askAt: now + Math.min(entry.backoff.next(), hintedMs) });
  };

  return {
    recall(asked) {
      const entry = entries.get(failedOf(asked));
      return entry && entry.askAt > clock.elapsed() ? entry.error : undefined;
    },
    begin(asked) {
      const entry = recent(asked);
      if (entry) book.keep(asked, { ...entry, askAt: Infinity });
      return entry?.error;
    },
    note(asked, error) {
      if (entries.get(failedOf(asked))?.error === error) return;
      const backoff = createBackoff({ baseMs: firstHiddenMs, capMs: longestHiddenMs, random });
      const before = { hintedAt: -Infinity, isHinted: false, backoff, ...recent(asked) };
      pause(asked, { ...before, error, last: clock.elapsed() });
    },
    end(asked) {
      const entry = entries.get(failedOf(asked));
      if (entry?.askAt === Infinity) pause(asked, entry);
    },
    has: (asked) => recent(asked) !== undefined,
    forget: (asked) => book.remove(asked),
    hint(asked) {
      const entry = entries.get(failedOf(asked));
      const hinted = entry && hintedEntry(entry, clock.elapsed());
      if (hinted) book.keep(asked, hinted);
    },
    changes,
  };
}

/** The entry after a hint; undefined if it is requested as soon without it. */
function hintedEntry(entry: Entry, now: number): Entry | undefined {
  const { askAt, hintedAt: last } = entry;
  const hintedAt = last > now ? last : Math.max(now, last + hintPauseMs);
  if (askAt === Infinity) return entry.isHinted ? undefined : { ...entry, hintedAt, isHinted: true };
  return askAt > hintedAt ? { ...entry, hintedAt, askAt: hintedAt } : undefined;
}

/** The entries, and listeners for the moment at which each ends. */
function createEntries(clock: Clock) {
  const entries = createFailures<Entry>(placesKept);
  const listeners = new Set<() => void>();
  const tell = () => [...listeners].forEach((listener) => listener());
  const changes: Changes = {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return {
    entries,
    changes,
    keep(asked: Asked, entry: Entry) {
      entries.set(failedOf(asked), entry);
      const waitMs = entry.askAt - clock.elapsed();
      if (waitMs <= 0) tell();
      else if (waitMs !== Infinity) clock.after(waitMs, tell);
    },
    remove(asked: Asked) {
      if (!entries.get(failedOf(asked))) return;
      entries.delete(failedOf(asked));
      tell();
    },
  };
}

function failedOf({ namespace, identity: name }: Asked): Failed {
  return { namespace, name };
}
