import type { Clock, Timer } from '../core/clock.ts';
import { asKubeError, KubeError, silence } from './errors.ts';

/** Ends a request when its caller aborts it or when nothing was heard for too long. */
export interface Watchdog {
  readonly signal: AbortSignal;
  /** Something was received: the time starts again, and is `ms` from now on. */
  feed(ms?: number): void;
  /** What was thrown while the request ran, told apart: aborted, silent, or broken. */
  explain(error: unknown): KubeError;
  /** To be called when the request is over, however it ended. */
  end(): void;
}

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
}

export function createWatchdog({ clock, signal, ...options }: WatchdogOptions): Watchdog {
  let { timeoutMs = Infinity } = options;
  const controller = new AbortController();
  let timer: Timer | undefined;
  let silent: KubeError | undefined;

  const bark = (ms: number) => {
    silent = new KubeError('transport', `nothing heard from the API server for ${ms} ms`, {
      reason: silence,
    });
    controller.abort(silent);
  };
  const feed = (ms = timeoutMs) => {
    timer?.cancel();
    timeoutMs = ms;
    if (ms < Infinity) timer = clock.after(ms, () => bark(ms));
  };
  const forward = () => controller.abort(signal?.reason);

  if (signal?.aborted) forward();
  else signal?.addEventListener('abort', forward, { once: true });
  feed();

  return {
    signal: controller.signal,
    feed,
    explain: (error) => asKubeError(silent ?? error, signal),
    end() {
      timer?.cancel();
      signal?.removeEventListener('abort', forward);
    },
  };
}
