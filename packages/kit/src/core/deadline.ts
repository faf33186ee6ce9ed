import type { Clock } from './clock.ts';
import { endWith } from './end-with.ts';

/** Abort reason of a deadline. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

interface Deadline {
  readonly clock: Pick<Clock, 'after'>;
  readonly ms: number;
  /** For the text of DeadlinePassed: what was waited for, such as 'response of ARM'. */
  readonly awaited: string;
  readonly signal?: AbortSignal | undefined;
  /** While true, the caller's abort does not end it. */
  readonly isKeptAlive?: (() => boolean) | undefined;
}

/** Runs with a signal that aborts with the caller's, or with DeadlinePassed at the deadline. Rejects then, even if what runs ignores the signal. */
export async function withDeadline<T>(
  { clock, ms, awaited, signal, isKeptAlive }: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    ending.abort(reason);
    reject(reason);
  };
  const message = `no ${awaited} within ${Math.round(ms / 1000)} s`;
  const timer = clock.after(ms, () => end(new DeadlinePassed(message)));
  const stopListening = endWith({ clock, signal, isKeptAlive }, end);
  try {
    return await Promise.race([run(ending.signal), ended]);
  } finally {
    timer.cancel();
    stopListening();
  }
}
