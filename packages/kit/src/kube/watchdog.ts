import type { Clock, Timer } from '../core/clock.ts';
import { endWith } from '../core/end-with.ts';
import { asKubeError, KubeError, silence } from './errors.ts';

/** Ends a request when its caller aborts it or after too long a silence. */
export type Watchdog = ReturnType<typeof createWatchdog>;

interface WatchdogOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  /** While true, the caller's abort does not end the request. */
  readonly isKeptAlive?: (() => boolean) | undefined;
}

export function createWatchdog({ clock, signal, ...options }: WatchdogOptions) {
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
  const stopListening = endWith({ clock, signal, isKeptAlive: options.isKeptAlive }, (reason) =>
    controller.abort(reason),
  );
  feed();

  return {
    signal: controller.signal,
    /** Restarts the timer, which lasts `ms` from now on. */
    feed,
    /** Classifies an error of the request: aborted, silent or broken. */
    explain: (error: unknown) => asKubeError(silent ?? error, signal),
    /** To be called at the end of the request in any case. */
    end(): void {
      timer?.cancel();
      stopListening();
    },
  };
}
