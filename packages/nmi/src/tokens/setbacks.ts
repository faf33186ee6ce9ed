import { createBackoff, RecentMap, type Backoff, type Clock } from '@pod-identity/kit/core';
import { TokenError } from './errors.ts';

/** Recent failures, by the name of what was requested. */
export interface Setbacks {
  note(name: string, error: TokenError): void;
  clear(name: string): void;
  /** The error to return while the service asks for time, with what is left of its Retry-After. */
  refusal(name: string): TokenError | undefined;
  /** Whether a request in the background may be made already. */
  mayTry(name: string): boolean;
}

interface Setback {
  readonly error: TokenError;
  readonly backoff: Backoff;
  readonly askAt: number;
  readonly tryAt: number;
}

/** The pause if the service asks for time without Retry-After. */
const usualPauseMs: Partial<Readonly<Record<TokenError['code'], number>>> = {
  throttled: 1_000,
  updating: 5_000,
};
const longestPauseMs = 10 * 60_000;
const kept = 2_000;

export function createSetbacks({ clock, random }: { clock: Clock; random: () => number }): Setbacks {
  const setbacks = new RecentMap<string, Setback>(kept);

  return {
    note(name, error) {
      const backoff =
        setbacks.get(name)?.backoff ?? createBackoff({ baseMs: 10_000, capMs: 5 * 60_000, random });
      const now = clock.now();
      const pauseMs = Math.min(error.retryAfterMs ?? usualPauseMs[error.code] ?? 0, longestPauseMs);
      setbacks.set(name, {
        error,
        backoff,
        askAt: now + pauseMs,
        tryAt: now + Math.max(pauseMs, backoff.next()),
      });
    },
    clear: (name) => void setbacks.delete(name),
    refusal(name) {
      const setback = setbacks.get(name);
      const leftMs = (setback?.askAt ?? 0) - clock.now();
      if (!setback || leftMs <= 0) return undefined;
      const { code, message, status, retryAfterMs } = setback.error;
      return new TokenError(code, message, {
        status,
        retryAfterMs: retryAfterMs === undefined ? undefined : leftMs,
      });
    },
    mayTry: (name) => clock.now() >= (setbacks.get(name)?.tryAt ?? 0),
  };
}
