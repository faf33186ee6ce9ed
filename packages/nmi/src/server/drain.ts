import type { Clock } from '@pod-identity/kit/core';
import type { RunningServer } from './server.ts';

/** Less than what Kubernetes gives a pod to end. */
const drainMs = 15_000;
/**
 * Where agents cannot share the port the next one listens only after this one has ended, and calls of all pods of the node are refused
 * meanwhile: callers who wait for an assignment may not make that as long as `--hold`. The rest of the time is for writing their answers.
 */
const holdsEndMs = 8_000;

export interface DrainParts {
  readonly server: Pick<RunningServer, 'close'>;
  /** Ends all waits. */
  readonly agent: { endHolds(): void };
  readonly clock: Clock;
}

/** Takes no new connection, and answers whoever waits: with a token if it comes soon, else with when to ask again. */
export async function drain({ server, agent, clock }: DrainParts): Promise<void> {
  const end = clock.after(holdsEndMs, () => agent.endHolds());
  await server.close(drainMs);
  end.cancel();
}
