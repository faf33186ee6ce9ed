import { endWith, type Clock } from '@pod-identity/kit/core';

/** Abort reason of a deadline. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
  /** While true, the caller's abort does not end it. */
  readonly outlives?: (() => boolean) | undefined;
}

/** Runs with a signal that aborts with the caller's, or with DeadlinePassed at the deadline. */
export async function withDeadline<T>(
  deadline: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, ms } = deadline;
  const ending = new AbortController();
  const timer = clock.after(ms, () =>
    ending.abort(new DeadlinePassed(`no answer within ${Math.round(ms / 1000)} s`)),
  );
  const stopListening = endWith(deadline, (reason) => ending.abort(reason));
  try {
    return await run(ending.signal);
  } finally {
    timer.cancel();
    stopListening();
  }
}
