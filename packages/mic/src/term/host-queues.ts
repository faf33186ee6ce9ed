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

interface HostQueuesOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly signal: AbortSignal;
  readonly turnsWith: (azure: Pick<HostQueue, 'poke'>) => Turns;
}

export type HostQueues = ReturnType<typeof createHostQueues>;

/** The first lane waits only so long, to handle simultaneous changes together. */
const objectsMs = { quietMs: 25, busyMs: 25, longestMs: 25 };
/** The second combines changes of a host in one PATCH. */
const azureMs = { quietMs: 50, busyMs: 500, longestMs: 5_000 };

export function createHostQueues({ clock, signal, log, turnsWith }: HostQueuesOptions) {
  const turns = turnsWith({ poke: (host, how) => azure.poke(host, how) });
  const onCrash = (host: string, error: unknown) => log.error({ host, error }, 'pass crashed');
  const isGone = (host: string) => turns.isGone(hostKeyOf(host));
  const objects: HostQueue = createHostQueue({
    clock,
    signal,
    onCrash,
    isGone,
    ...objectsMs,
    turn: (host) => turns.objects(hostKeyOf(host)),
  });
  const azure: HostQueue = createHostQueue({
    clock,
    signal,
    onCrash,
    isGone,
    ...azureMs,
    turn: async (host) => {
      const wakeAt = await turns.azure(hostKeyOf(host));
      objects.poke(host, { now: true });
      return wakeAt;
    },
  });
  return { objects, azure };
}
