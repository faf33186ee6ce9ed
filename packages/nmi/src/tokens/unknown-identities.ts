import { createBackoff, type Backoff, type Clock } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import { createSignal } from '../waiting/signal.ts';
import type { TokenError } from './errors.ts';
import { createFailures, type Failed } from './failures.ts';

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

/**
 * Identities (`name`: by `keyOf`) that the metadata service did not know at the last request, by namespace of the request. Each namespace has its own entries, so
 * that requests of one neither hide identities from another nor evict its entries.
 */
export function createUnknownIdentities({ clock, random }: Pick<Ambient, 'clock' | 'random'>) {
  const { entries, changes, keep, remove } = createEntries(clock);
  const recent = (wanted: Failed): Entry | undefined => {
    const entry = entries.get(wanted);
    return entry && clock.elapsed() - entry.last < forgottenMs ? entry : undefined;
  };
  const pause = (wanted: Failed, entry: Omit<Entry, 'retryAt'>) => {
    const now = clock.elapsed();
    const hintedMs = entry.isHinted ? Math.max(0, entry.hintedAt - now) : Infinity;
    const retryAt = now + Math.min(entry.backoff.next(), hintedMs);
    keep(wanted, { ...entry, isHinted: false, retryAt });
  };

  return {
    /** The error to return until the identity may be requested again. */
    recall(wanted: Failed): TokenError | undefined {
      const entry = entries.get(wanted);
      return entry && entry.retryAt > clock.elapsed() ? entry.error : undefined;
    },
    /** A request begins. If the identity was not known the last time, no other one begins before this one ends; returns the last error then. */
    begin(wanted: Failed): TokenError | undefined {
      const entry = recent(wanted);
      if (entry) keep(wanted, { ...entry, retryAt: Infinity });
      return entry?.error;
    },
    /** The service does not know it. Counts an error once, even if several callers got it. */
    note(wanted: Failed, error: TokenError): void {
      if (entries.get(wanted)?.error === error) return;
      const backoff = createBackoff({ baseMs: firstHiddenMs, capMs: longestHiddenMs, random });
      const before = { hintedAt: -Infinity, isHinted: false, backoff, ...recent(wanted) };
      pause(wanted, { ...before, error, last: clock.elapsed() });
    },
    /** A request has ended without saying whether the service knows it. */
    end(wanted: Failed): void {
      const entry = entries.get(wanted);
      if (entry?.retryAt === Infinity) pause(wanted, entry);
    },
    /** Whether it was not known lately. */
    has: (wanted: Failed) => recent(wanted) !== undefined,
    forget: (wanted: Failed) => remove(wanted),
    /** The identity may be attached by now: it may be requested at once, or a second after the last request for this reason. */
    hint(wanted: Failed): void {
      const entry = entries.get(wanted);
      const hinted = entry && hintedEntry(entry, clock.elapsed());
      if (hinted) keep(wanted, hinted);
    },
    /** An identity may be requested again. */
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

/** The entries, and a signal for the moment at which each ends. */
function createEntries(clock: Clock) {
  const entries = createFailures<Entry>(entriesKept);
  const { changes, notify } = createSignal();
  return {
    entries,
    changes,
    keep: (wanted: Failed, entry: Entry) => {
      entries.set(wanted, entry);
      const waitMs = entry.retryAt - clock.elapsed();
      if (waitMs <= 0) notify();
      else if (waitMs !== Infinity) clock.after(waitMs, notify);
    },
    remove: (wanted: Failed) => {
      if (!entries.get(wanted)) return;
      entries.delete(wanted);
      notify();
    },
  };
}
