import { networkInterfaces } from 'node:os';
import type { Clock } from '../../core/clock.ts';

/** A bridge of pods, whose address the kubelet's probes have, may come after this process. */
const interfacesMs = 10_000;

/**
 * Whether an address is one of this process's host or pod. The kubelet has the host's, and with it whoever creates a Pod with probes of
 * another host: a limit of it would be shared with the kubelet's own probes.
 */
export function createOwnAddresses(clock: Pick<Clock, 'elapsed'>): (peer: string) => boolean {
  let own = new Set<string>();
  let readAt = -Infinity;
  return (peer) => {
    const now = clock.elapsed();
    if (now - readAt >= interfacesMs) {
      own = new Set(
        Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)),
      );
      readAt = now;
    }
    return own.has(peer);
  };
}
