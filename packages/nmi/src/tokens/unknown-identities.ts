import { createBackoff, type Backoff, type Clock } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import type { Changes } from '../waiting/await-change.ts';
import type { TokenError } from './errors.ts';
import { createFailures, type Failed } from './failures.ts';

/** An identity, by `keyOf`, and the namespace that requests a token of it. */
export interface WantedIdentity {
  readonly namespace: string;
  readonly identity: string;
}

/** Identities that the metadata service did not know at the last request, by namespace of the request. */
export interface UnknownIdentities {
  /** The error to return until the identity may be requested again. */
  recall(wanted: WantedIdentity): TokenError | undefined;
  /** A request begins. If the identity was not known the last time, no other one begins before this one ends; returns the last error then. */
  begin(wanted: WantedIdentity): TokenError | undefined;
  /** The service does not know it. Counts an error once, even if several callers got it. */
  note(wanted: WantedIdentity, error: TokenError): void;
  /** A request has ended without saying whether the service knows it. */
  end(wanted: WantedIdentity): void;
  /** Whether it was not known lately. */
  has(wanted: WantedIdentity): boolean;
  forget(wanted: WantedIdentity): void;
  /** The identity may be attached by now: it may be requested at once, or a second after the last request for this reason. */
  hint(wanted: WantedIdentity): void;
  /** An identity may be requested again. */
  readonly changes: Changes;
}

interface Entry {
  readonly error: TokenError;
  readonly last: number;
  /** Infinity while a request is under way. */
  readonly retryAt: number;
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
const entriesKept = { perNamespace: 256, total: 1_000 };

/** Each namespace has its own entries, so that requests of one neither hide identities from another nor evict its entries. */
export function createUnknownIdentities(ambient: Pick<Ambient, 'clock' | 'random'>): UnknownIdentities {
  const { clock, random } = ambient;
  const book = createEntries(clock);
  const { entries, changes } = book;
  const recent = (wanted: WantedIdentity): Entry | undefined => {
    const entry = entries.get(failedOf(wanted));
    return entry && clock.elapsed() - entry.last < forgottenMs ? entry : undefined;
  };
  const pause = (wanted: WantedIdentity, entry: Omit<Entry, 'retryAt'>) => {
    const now = clock.elapsed();
    const hintedMs = entry.isHinted ? Math.max(0, entry.hintedAt - now) : Infinity;
    const retryAt = now + Math.min(entry.backoff.next(), hintedMs);
    book.keep(wanted, { ...entry, isHinted: false, retryAt });
  };

  return {
    recall(wanted) {
      const entry = entries.get(failedOf(wanted));
      return entry && entry.retryAt > clock.elapsed() ? entry.error : undefined;
    },
    begin(wanted) {
      const entry = recent(wanted);
      if (entry) book.keep(wanted, { ...entry, retryAt: Infinity });
      return entry?.error;
    },
    note(wanted, error) {
      if (entries.get(failedOf(wanted))?.error === error) return;
      const backoff = createBackoff({ baseMs: firstHiddenMs, capMs: longestHiddenMs, random });
      const before = { hintedAt: -Infinity, isHinted: false, backoff, ...recent(wanted) };
      pause(wanted, { ...before, error, last: clock.elapsed() });
    },
    end(wanted) {
      const entry = entries.get(failedOf(wanted));
      if (entry?.retryAt === Infinity) pause(wanted, entry);
    },
    has: (wanted) => recent(wanted) !== undefined,
    forget: (wanted) => book.remove(wanted),
    hint(wanted) {
      const entry = entries.get(failedOf(wanted));
      const hinted = entry && hintedEntry(entry, clock.elapsed());
      if (hinted) book.keep(wanted, hinted);
    },
    changes,
  };
}

/** The entry after a hint; undefined if it is requested as soon without it. */
function hintedEntry(entry: Entry, now: number): Entry | undefined {
  const { retryAt, hintedAt: last } = entry;
  const hintedAt = last > now ? last : Math.max(now, last + hintPauseMs);
  if (retryAt === Infinity) return entry.isHinted ? undefined : { ...entry, hintedAt, isHinted: true };
  return retryAt > hintedAt ? { ...entry, hintedAt, retryAt: hintedAt } : undefined;
}

/** The entries, and listeners for the moment at which each ends. */
function createEntries(clock: Clock) {
  const entries = createFailures<Entry>(entriesKept);
  const listeners = new Set<() => void>();
  const notify = () => [...listeners].forEach((listener) => listener());
  const changes: Changes = {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return {
    entries,
    changes,
    keep(wanted: WantedIdentity, entry: Entry) {
      entries.set(failedOf(wanted), entry);
      const waitMs = entry.retryAt - clock.elapsed();
      if (waitMs <= 0) notify();
      else if (waitMs !== Infinity) clock.after(waitMs, notify);
    },
    remove(wanted: WantedIdentity) {
      if (!entries.get(failedOf(wanted))) return;
      entries.delete(failedOf(wanted));
      notify();
    },
  };
}

function failedOf({ namespace, identity: name }: WantedIdentity): Failed {
  return { namespace, name };
}
