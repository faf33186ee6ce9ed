import { createBackoff, type Backoff } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import { TokenError } from './errors.ts';
import { createFailures, type Failed } from './failures.ts';

interface Setback {
  readonly failure: Pick<TokenError, 'code' | 'message' | 'status' | 'retryAfterMs'>;
  readonly backoff: Backoff;
  readonly retryAt: number;
  readonly tryAt: number;
}

/** The pause after a failure without Retry-After. */
const usualPauseMs: Partial<Readonly<Record<TokenError['code'], number>>> = {
  throttled: 1_000,
  updating: 5_000,
};
const longestPauseMs = 10 * 60_000;
const entriesKept = 2_000;

export type Setbacks = ReturnType<typeof createSetbacks>;

/** Recent failures, by the name of what was requested. Those of one namespace keep no other namespace from a request. */
export function createSetbacks({ clock, random }: Pick<Ambient, 'clock' | 'random'>) {
  const setbacks = createFailures<Setback>({ perNamespace: Infinity, total: entriesKept });

  return {
    note(failed: Failed, { code, message, status, retryAfterMs }: TokenError): void {
      const backoff =
        setbacks.get(failed)?.backoff ?? createBackoff({ baseMs: 10_000, capMs: 5 * 60_000, random });
      const now = clock.elapsed();
      const pauseMs = Math.min(retryAfterMs ?? usualPauseMs[code] ?? 0, longestPauseMs);
      setbacks.set(failed, {
        failure: { code, message, status, retryAfterMs },
        backoff,
        retryAt: now + pauseMs,
        tryAt: now + Math.max(pauseMs, backoff.next()),
      });
    },
    /** To be called when a request has succeeded. A success of another namespace does not end a Retry-After of the service. */
    clear: (failed: Failed) => setbacks.delete(failed),
    /** The error to return until the Retry-After of the service is over, with the time that is left of it. */
    refusal(failed: Failed): TokenError | undefined {
      const setback = setbacks.get(failed);
      const leftMs = (setback?.retryAt ?? 0) - clock.elapsed();
      if (!setback || leftMs <= 0) return undefined;
      const { code, message, status, retryAfterMs } = setback.failure;
      return new TokenError(code, message, {
        status,
        retryAfterMs: retryAfterMs === undefined ? undefined : leftMs,
      });
    },
    /** Why the last request failed. */
    reason: (failed: Failed) => setbacks.get(failed)?.failure.message,
    /** Whether the last request failed because the service does not know the identity. */
    isUnknown: (failed: Failed) => setbacks.get(failed)?.failure.code === 'not-on-host',
    /** Whether a request in the background may be made already. */
    mayTry: (failed: Failed) => clock.elapsed() >= (setbacks.get(failed)?.tryAt ?? 0),
  };
}
