import type { Clock, Timer } from '../core/clock.ts';

export interface LeaderTerm {
  /** Aborts when the lease is lost or the elector ends. */
  readonly signal: AbortSignal;
  /** Computed from the time of the last renewal, so it is correct even if timers are late. Check it right before each write. */
  holds(): boolean;
}

/** The elector's side of a term. */
export type Term = ReturnType<typeof createTerm>;

/** A leader stops this share of the duration before others may take over, for differences of clocks and durations of requests. */
const marginShare = 1 / 5;

/** `until`: until when others respect the lease, by `clock.elapsed()`. */
export function createTerm(clock: Clock, durationMs: number, until: number) {
  const held = new AbortController();
  const over = new AbortController();
  let endsAt = -Infinity;
  /** By the time of day, which goes on while a machine is frozen. Setting it back does not lengthen a term. */
  let endsAtTime = -Infinity;
  let timer: Timer | undefined;

  const end = () => {
    endsAt = -Infinity;
    timer?.cancel();
    over.abort();
  };
  const lose = () => {
    end();
    held.abort(new Error('the lease was lost'));
  };
  const extend = (respectedUntil: number) => {
    timer?.cancel();
    endsAt = respectedUntil - durationMs * marginShare;
    const leftMs = endsAt - clock.elapsed();
    endsAtTime = clock.now() + leftMs;
    timer = clock.after(leftMs, lose);
  };
  const holds = () => clock.elapsed() < endsAt && clock.now() < endsAtTime;

  extend(until);
  return {
    signal: held.signal,
    /** Aborts when the lease is lost or the holder has finished. */
    over: over.signal,
    holds,
    /** The lease was renewed until then. Ignored after the end of the term. */
    prolong(respectedUntil: number): void {
      if (holds()) extend(respectedUntil);
      else lose();
    },
    /** Makes the holder finish while the lease is still renewed. */
    resign: (reason: unknown) => held.abort(reason),
    /** Another process has the lease, or it could not be renewed in time. */
    lose,
    /** The holder has finished. */
    end,
  };
}
