import type { Clock } from '@pod-identity/kit/core';
import type { RunningServer } from './server.ts';

/** Less than the termination grace period of the pod. */
const drainMs = 15_000;
/**
 * If agents cannot share the port, calls of all pods of the node are refused until this one has ended: requests that wait for an assignment
 * end after this time, even if `--hold` is longer.
 */
const holdsEndMs = 8_000;

/** Accepts no new connections, and responds to waiting requests: with a token if it comes soon, otherwise with Retry-After. */
export async function drain(
  server: Pick<RunningServer, 'close'>,
  agent: { endHolds(): void },
  clock: Clock,
): Promise<void> {
  const end = clock.after(holdsEndMs, () => agent.endHolds());
  await server.close(drainMs);
  end.cancel();
}
