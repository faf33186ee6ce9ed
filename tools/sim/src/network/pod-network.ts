// The network room: addresses for simulated nodes and pods, and forwarders that keep the pod's source address.
// All of it is loopback (127.0.0.0/8); it must not know the programs at either end.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface PodNetworkOptions {
  /**
   * Loopback has 127.0.0.1 and no other address, as on macOS. All listen there, and each connection of a path begins with a line of the
   * PROXY protocol that names the pod's address: the target must be one that reads it.
   */
  readonly hasOneAddress?: boolean;
}

export interface PodPathOptions {
  readonly podAddress: string;
  readonly target: { readonly host: string; readonly port: number };
}

export interface PodPath {
  /** The URL to which a program in the pod connects instead of 169.254.169.254. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface PodNetwork {
  readonly hasOneAddress: boolean;
  /** Where a program of the node listens: 127.0.NODE.1, or 127.0.0.1 if there is no other. Nodes count from 1 to 254. */
  nodeAddress(node: number): string;
  /** The next free address of the node: 127.0.NODE.10 to .254, then 127.1.NODE.10 and so on. */
  podAddress(node: number): string;
  /** A forwarder whose target learns the pod's address: it listens there and connects from there, as a DNAT rule would. */
  openPodPath(options: PodPathOptions): Promise<PodPath>;
  close(): Promise<void>;
}

const onlyAddress = '127.0.0.1';
const firstPod = 10;
const podsOfNode = 245;

function checkNode(node: number): void {
  if (!Number.isInteger(node) || node < 1 || node > 254) {
    throw new RangeError(`node ${node} has no address: nodes count from 1 to 254`);
  }
}

/** Whether this machine's loopback lacks the addresses of nodes and pods. */
export async function loopbackHasOneAddress(): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(0, '127.0.1.1');
    await once(server, 'listening');
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
    return true;
  } finally {
    server.close();
  }
}

export function createPodNetwork({ hasOneAddress = false }: PodNetworkOptions = {}): PodNetwork {
  const used = new Map<number, number>();
  const paths = new Set<PodPath>();
  return {
    hasOneAddress,
    nodeAddress: (node) => {
      checkNode(node);
      return hasOneAddress ? onlyAddress : `127.0.${node}.1`;
    },
    podAddress: (node) => {
      checkNode(node);
      const position = used.get(node) ?? 0;
      used.set(node, position + 1);
      return `127.${Math.floor(position / podsOfNode)}.${node}.${firstPod + (position % podsOfNode)}`;
    },
    openPodPath: async (options) => {
      const path = await openPodPath(options, hasOneAddress);
      paths.add(path);
      return path;
    },
    close: async () => {
      await Promise.all([...paths].map((path) => path.close()));
      paths.clear();
    },
  };
}

async function openPodPath({ podAddress, target }: PodPathOptions, hasOneAddress: boolean): Promise<PodPath> {
  const address = hasOneAddress ? onlyAddress : podAddress;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (inside) => {
    const outside = connect({ ...target, localAddress: address, allowHalfOpen: true });
    if (hasOneAddress) outside.write(`PROXY TCP4 ${podAddress} ${target.host} 1 ${target.port}\r\n`);
    join(keep(inside), keep(outside));
    join(outside, inside);
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    port,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Forwards between two sockets; an error of one closes both. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once('error', () => to.resetAndDestroy());
}
