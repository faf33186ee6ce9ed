import type { Clock } from '@pod-identity/kit/core';

/** Abort reason of a deadline. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** Runs with a signal that aborts with the caller's, or with DeadlinePassed at the deadline. */
export async function withDeadline<T>(
  deadline: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, ms, signal } = deadline;
  const late = new AbortController();
  const timer = clock.after(ms, () =>
    late.abort(new DeadlinePassed(`no answer within ${Math.round(ms / 1000)} s`)),
  );
  try {
    return await run(AbortSignal.any([signal, late.signal]));
  } finally {
    timer.cancel();
  }
}
