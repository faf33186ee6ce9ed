// Who is connected, by address, and how much of each address is served.
import { networkInterfaces } from 'node:os';
import { createTokenBucket, type TokenBucket } from '../core/token-bucket.ts';

export interface AddressLimits {
  /** Of an address on average, with a burst of five times as many; 0: no limit. The node's own addresses have none. */
  readonly requestsPerSecond: number;
  /** As how many requests a new connection counts; default: one. */
  readonly connectionCost?: number;
}

export interface Address<C> {
  readonly peer: string;
  readonly bucket: TokenBucket;
  /** How many connections it may have. */
  readonly most: number;
  readonly connections: Set<C>;
  /** Bytes of responses. */
  unread: number;
}

const connectionsOfAddress = 64;
/** Programs start with many requests. */
const burstSeconds = 5;
/** Includes addresses without a connection, so that a new connection does not refill a bucket. */
const addressesKept = 8_192;
/** A bridge of pods, whose address the kubelet's probes have, may come after this process. */
const interfacesMs = 10_000;

const unlimited: TokenBucket = { take: () => 0, available: () => Infinity };

export function createAddresses<C>({ requestsPerSecond, connectionCost = 1 }: AddressLimits) {
  const table = new Map<string, Address<C>>();
  const isOwn = createIsOwn();
  const create = (peer: string, now: number): Address<C> => {
    const isLimited = !isOwn(peer, now);
    return {
      ...{ peer, most: isLimited ? connectionsOfAddress : Infinity, connections: new Set(), unread: 0 },
      bucket: isLimited && requestsPerSecond > 0 ? bucketOf(requestsPerSecond, now) : unlimited,
    };
  };
  const of = (peer: string, now: number): Address<C> => {
    const address = table.get(peer) ?? create(peer, now);
    // The one that was used longest ago is forgotten first.
    table.delete(peer);
    table.set(peer, address);
    if (table.size > addressesKept) forgetOne(table);
    return address;
  };
  return {
    of,
    /** Takes the cost of a new connection; false if the address has too many. */
    admit(peer: string, now: number): boolean {
      const { connections, most, bucket } = of(peer, now);
      return connections.size < most && bucket.take(now, connectionCost) === 0;
    },
    /** The connections of the addresses that have most. */
    withMost(has: (address: Address<C>) => number = ({ connections }) => connections.size): C[] {
      let most = 0;
      for (const address of table.values()) most = Math.max(most, has(address));
      return [...table.values()].flatMap((one) => (has(one) === most ? [...one.connections] : []));
    },
  };
}

function forgetOne(table: Map<string, Address<unknown>>): void {
  for (const [peer, { connections }] of table)
    if (connections.size === 0) {
      table.delete(peer);
      return;
    }
}

function bucketOf(perSecond: number, now: number): TokenBucket {
  return createTokenBucket({ capacity: perSecond * burstSeconds, refillPerMs: perSecond / 1000, now });
}

/** Whether an address is the node's own: the kubelet has it, and with it whoever creates a Pod with probes of another host. */
function createIsOwn(): (peer: string, now: number) => boolean {
  let own = new Set<string>();
  let readAt = -Infinity;
  return (peer, now) => {
    if (now - readAt >= interfacesMs) {
      own = new Set(Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)));
      readAt = now;
    }
    return own.has(peer);
  };
}
