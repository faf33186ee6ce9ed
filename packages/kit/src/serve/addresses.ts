// Who is connected, by address, and how much of each address is served.
import { networkInterfaces } from 'node:os';
import { createTokenBucket, type TokenBucket } from '../core/token-bucket.ts';

export interface AddressLimits {
  /** Of an address on average, with a burst of five times as many; 0: no limit. */
  readonly requestsPerSecond: number;
  /** As how many requests a new connection counts, with the first one on it; default: one. */
  readonly connectionCost?: number;
  /** Of all addresses. */
  readonly connections: number;
}

interface Member {
  readonly peer: string;
  readonly unanswered: number;
}

interface Address<C> {
  readonly bucket: TokenBucket;
  readonly connections: Set<C>;
}

const connectionsOfAddress = 64;
/** Programs start with many requests. */
const burstSeconds = 5;
/** Includes addresses without a connection, so that a new connection does not refill a bucket. */
const addressesKept = 8_192;
/** A bridge of pods, whose address the kubelet's probes have, may come after this process. */
const interfacesMs = 10_000;

/** On its own interface a pod can take the one that the node has on another. */
const linkLocal = /^fe[89ab]/;

const unlimited: TokenBucket = { take: () => 0, available: () => Infinity };

export function createAddresses<C extends Member>(options: AddressLimits) {
  const { requestsPerSecond, connectionCost, connections: mostConnections } = options;
  const table = new Map<string, Address<C>>();
  const isOwn = createIsOwn();
  let total = 0;

  const of = (peer: string, now: number): Address<C> => {
    const known = table.get(peer);
    const address = known ?? { bucket: bucketFor(requestsPerSecond, now), connections: new Set() };
    // The one that was used longest ago is forgotten first.
    table.delete(peer);
    table.set(peer, address);
    if (table.size > addressesKept) forgetOne(table);
    return address;
  };
  return {
    /** Takes the cost of a new connection; false if the address has too many, or too few tokens. */
    admit(peer: string, now: number): boolean {
      if (isOwn(peer, now)) return true;
      const { connections, bucket } = of(peer, now);
      return connections.size < connectionsOfAddress && bucket.take(now, connectionCost) === 0;
    },
    /** For the requests of a connection. */
    bucketOf: (peer: string, now: number) => (isOwn(peer, now) ? unlimited : of(peer, now).bucket),
    /** Returns the connection to close if there are too many. */
    add(connection: C, now: number): C | undefined {
      of(connection.peer, now).connections.add(connection);
      total += 1;
      return total > mostConnections ? firstIdle(table) : undefined;
    },
    remove(connection: C): void {
      if (table.get(connection.peer)?.connections.delete(connection)) total -= 1;
    },
  };
}

/** Of the addresses that have most, the connection that is open longest without a request to answer. */
function firstIdle<C extends Member>(table: ReadonlyMap<string, Address<C>>): C | undefined {
  let most = 0;
  for (const { connections } of table.values()) most = Math.max(most, connections.size);
  const all = [...table.values()].flatMap(({ connections }) =>
    connections.size === most ? [...connections] : [],
  );
  return all.find(({ unanswered }) => unanswered === 0) ?? all[0];
}

function forgetOne(table: Map<string, Address<unknown>>): void {
  for (const [peer, { connections }] of table)
    if (connections.size === 0) {
      table.delete(peer);
      return;
    }
}

function bucketFor(perSecond: number, now: number): TokenBucket {
  if (perSecond === 0) return unlimited;
  return createTokenBucket({ capacity: perSecond * burstSeconds, refillPerMs: perSecond / 1000, now });
}

/**
 * Whether an address is the process's own. The kubelet has one of the node's, and through probes with `host` whoever creates a Pod has it
 * too: a limit would take the answers from the kubelet's own probes.
 */
function createIsOwn(): (peer: string, now: number) => boolean {
  let own: ReadonlySet<string> = new Set();
  let readAt = -Infinity;
  return (peer, now) => {
    if (now - readAt >= interfacesMs) {
      readAt = now;
      try {
        own = readOwn();
      } catch {
        // That no file is left for it must not end the process: those known stay.
      }
    }
    return own.has(peer);
  };
}

function readOwn(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address));
  return new Set(all.filter((address) => !linkLocal.test(address)));
}
