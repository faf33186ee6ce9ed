// The two queues of hosts: turns that need only the API server, and turns that need Azure.
import type { Ambient } from '@pod-identity/kit/serve';
import { createHostQueue, type HostQueue } from '../apply/host-queue.ts';
import type { HostKey } from '../snapshot/index/host-groups.ts';
import { hostKeyOf } from './loop.ts';

/** One turn of a host in each lane. Resolves to the time of the next turn without a change. */
export interface Turns {
  /** Plans the dirty pods of the host and writes what can be written. */
  objects(host: HostKey): Promise<number | undefined>;
  /** Changes the host by the plan of its identities. */
  azure(host: HostKey): Promise<number | undefined>;
  /** Whether the host has no node and nothing is known of it. */
  isGone(host: HostKey): boolean;
}

export interface HostQueuesOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly signal: AbortSignal;
  /** How long the second lane waits for more work of a host. */
  readonly debounceMs: number;
  readonly debounceMaxMs: number;
  readonly turnsWith: (azure: Pick<HostQueue, 'poke'>) => Turns;
}

export interface HostQueues {
  readonly objects: HostQueue;
  readonly azure: HostQueue;
}

/** The first lane waits only so long, to handle simultaneous changes together. */
const objectsQuietMs = 25;

export function createHostQueues({
  clock,
  signal,
  log,
  turnsWith,
  ...limits
}: HostQueuesOptions): HostQueues {
  const turns = turnsWith({ poke: (host, how) => azure.poke(host, how) });
  const onCrash = (host: string, error: unknown) => log.error({ host, error }, 'pass crashed');
  const isGone = (host: string) => turns.isGone(hostKeyOf(host));
  const objects = createHostQueue({
    clock,
    signal,
    onCrash,
    isGone,
    quietMs: objectsQuietMs,
    longestMs: objectsQuietMs,
    turn: (host) => turns.objects(hostKeyOf(host)),
  });
  const azure = createHostQueue({
    clock,
    signal,
    onCrash,
    isGone,
    quietMs: limits.debounceMs,
    longestMs: limits.debounceMaxMs,
    turn: async (host) => {
      const wakeAt = await turns.azure(hostKeyOf(host));
      objects.poke(host, { now: true });
      return wakeAt;
    },
  });
  return { objects, azure };
}
