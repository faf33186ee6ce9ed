import { ConfigurationError } from '../core/configuration-error.ts';
import { printable } from '../core/printable.ts';
import type { Log } from './log.ts';
import { keepHeapSmall, ownHeap } from './shrink-heap.ts';
import { systemClock } from './system-clock.ts';

export interface ProcessOptions {
  readonly log: Log;
  /** The program; resolves to the exit code. */
  run(signal: AbortSignal): Promise<number>;
  /** How long `run` may take to end after the signal; default 25 s, less than the grace period of Kubernetes. */
  readonly graceMs?: number;
}

/**
 * Runs a program and ends the process with its exit code. The first SIGTERM or SIGINT aborts the signal; the second one, or the end of
 * the grace period, ends the process at once. Problems of the configuration are printed, and the process exits with 2. After another
 * uncaught error the state of the process is unknown: it is logged, and the process exits with 1.
 */
export async function runProcess(options: ProcessOptions): Promise<void> {
  const { log, graceMs = 25_000 } = options;
  const controller = new AbortController();

  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) return end(log, 1, `${name} again, ending at once`);
    log.info({ signal: name }, 'stopping');
    setTimeout(() => end(log, 1, 'still not stopped after the grace period'), graceMs).unref();
    controller.abort(new Error(`stopped by ${name}`));
  };
  const crash = (error: unknown) => {
    log.error({ error }, 'unexpected error');
    process.exit(1);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  void keepHeapSmall(systemClock, ownHeap(), controller.signal);

  try {
    process.exit(await options.run(controller.signal));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) return crash(error);
    for (const problem of error.problems) console.error(printable(problem));
    process.exit(2);
  }
}

function end(log: Log, code: number, message: string): never {
  log.error({}, message);
  process.exit(code);
}
