import type { Ambient, Log } from '@pod-identity/kit/serve';
import type { RunningServer } from './server.ts';

export interface LateStart extends Pick<Ambient, 'clock' | 'log'> {
  /** Undefined: another program has the port. */
  readonly start: () => Promise<RunningServer | undefined>;
  /** Whether another agent of this node listens: the kernel would give this one half of its calls. */
  readonly isServed: () => Promise<boolean>;
  /** Whether this agent could answer a call. */
  readonly canServe: () => boolean;
  /** Logs another program on the port. */
  readonly foreignListener: () => Promise<string | undefined>;
  readonly port: number;
}

/** Between attempts to listen. */
const pauseMs = 500;

/** Starts at once unless another agent serves the node: calls wait for the first read of the cluster instead of being refused. */
export async function startAtOnce({ start, isServed }: LateStart): Promise<RunningServer | undefined> {
  return (await isServed()) ? undefined : start();
}

/**
 * Waits while another program, or an agent of an earlier version with another uid, uses the port, and while another agent serves the node and this
 * one cannot: one that never reads the cluster takes no call. Undefined: aborted.
 */
export async function startLate(parts: LateStart, signal: AbortSignal): Promise<RunningServer | undefined> {
  const { start, isServed, canServe, foreignListener, port, clock, log } = parts;
  const report = createReporter(log, port);
  while (!signal.aborted) {
    const isWanted = canServe() || !(await isServed());
    const server = isWanted ? await start() : undefined;
    if (server) return server;
    report(isWanted);
    await foreignListener();
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
  return undefined;
}

/** Logs each reason once. */
function createReporter(log: Log, port: number) {
  let isPortReported = false;
  let isAgentReported = false;
  return (isWanted: boolean): void => {
    if (isWanted && !isPortReported) log.warn({ port }, 'waiting for the port: another program has it');
    if (!isWanted && !isAgentReported)
      log.info({ port }, 'another agent serves this node: listening when this one has read the cluster');
    isPortReported ||= isWanted;
    isAgentReported ||= !isWanted;
  };
}
