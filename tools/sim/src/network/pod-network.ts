// The network room: addresses for simulated nodes and pods, and forwarders that keep the pod's source address.
// All of it is loopback (127.0.0.0/8); it must not know the programs at either end.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

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
  /** 127.0.NODE.1; nodes count from 1 to 254. */
  nodeAddress(node: number): string;
  /** The next free address of the node: 127.0.NODE.10 to .254, then 127.1.NODE.10 and so on. */
  podAddress(node: number): string;
  /** A forwarder on the pod's own address that connects from this address, as a DNAT rule would. */
  openPodPath(options: PodPathOptions): Promise<PodPath>;
  close(): Promise<void>;
}

const firstPod = 10;
const podsOfNode = 245;

function checkNode(node: number): void {
  if (!Number.isInteger(node) || node < 1 || node > 254) {
    throw new RangeError(`node ${node} has no address: nodes count from 1 to 254`);
  }
}

export function createPodNetwork(): PodNetwork {
  const used = new Map<number, number>();
  const paths = new Set<PodPath>();
  return {
    nodeAddress: (node) => {
      checkNode(node);
      return `127.0.${node}.1`;
    },
    podAddress: (node) => {
      checkNode(node);
      const position = used.get(node) ?? 0;
      used.set(node, position + 1);
      return `127.${Math.floor(position / podsOfNode)}.${node}.${firstPod + (position % podsOfNode)}`;
    },
    openPodPath: async (options) => {
      const path = await openPodPath(options);
      paths.add(path);
      return path;
    },
    close: async () => {
      await Promise.all([...paths].map((path) => path.close()));
      paths.clear();
    },
  };
}

async function openPodPath({ podAddress, target }: PodPathOptions): Promise<PodPath> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (inside) => {
    const outside = connect({ ...target, localAddress: podAddress, allowHalfOpen: true });
    join(keep(inside), keep(outside));
    join(outside, inside);
  });
  server.listen(0, podAddress);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${podAddress}:${port}`,
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
