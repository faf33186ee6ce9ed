import type { Ambient } from '@pod-identity/kit/serve';
import { startServer, type RunningServer, type ServerOptions } from './server.ts';

export interface StartOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly server: ServerOptions;
  /** Whether this agent could answer a call: an agent that serves the node would otherwise lose half of its calls to this one. */
  readonly canServe: () => boolean;
}

/** Between looks and attempts. */
const pauseMs = { canServe: 20, port: 500 };

/** Listens as soon as this agent can serve and no other program has the port. Undefined: aborted. */
export async function startServing(
  { server, canServe, clock, log }: StartOptions,
  signal: AbortSignal,
): Promise<RunningServer | undefined> {
  const pause = (ms: number) => clock.sleep(ms, signal).catch(() => undefined);
  while (!canServe() && !signal.aborted) await pause(pauseMs.canServe);
  for (let isReported = false; !signal.aborted; isReported = true) {
    const running = await startIfFree(server);
    if (running) return running;
    const { port } = server;
    if (!isReported)
      log.error(
        { port },
        `waiting for the port: another program has it and may get calls of pods: ${find(port)}`,
      );
    await pause(pauseMs.port);
  }
  return undefined;
}

const find = (port: number) => `find it with "ss -ltnpe sport = :${port}" on the node and end it`;

async function startIfFree(options: ServerOptions): Promise<RunningServer | undefined> {
  try {
    return await startServer(options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return undefined;
  }
}
