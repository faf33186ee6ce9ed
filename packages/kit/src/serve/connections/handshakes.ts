import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { callerAddress } from '../../core/peer-address.ts';
import { createShares, type Shared } from '../../core/shares.ts';

/** Handshakes at a time: of an address, and of all. An honest one takes milliseconds. */
const limits = { perNamespace: 32, total: 512 };

interface Handshake extends Shared {
  readonly socket: Socket;
}

/**
 * Limits the handshakes that run at a time: an address with too many loses its oldest, and if there are too many in all, the address with
 * most does. `server` is one of TLS. Calls `onSecure` for each connection whose handshake has ended.
 */
export function limitHandshakes(server: EventEmitter, onSecure: (socket: Socket) => void): void {
  const shares = createShares<Handshake>(limits);
  const running = new Map<string, Handshake>();
  const end = (name: string, one: Handshake) => {
    shares.remove(one);
    // A client may use its port again before its earlier connection is noticed as closed.
    if (running.get(name) === one) running.delete(name);
  };
  server.on('connection', (socket: Socket) => {
    if (socket.destroyed) return;
    const name = nameOf(socket);
    const one = { namespace: callerAddress(socket.remoteAddress), weight: 1, socket };
    running.set(name, one);
    socket.once('close', () => end(name, one));
    for (const out of shares.add(one)) out.socket.destroy();
  });
  server.on('secureConnection', (socket: Socket) => {
    const name = nameOf(socket);
    const one = running.get(name);
    if (one) end(name, one);
    onSecure(socket);
  });
  // Node's listener would make an HTTP response of it.
  server.removeAllListeners('tlsClientError').on('tlsClientError', (_, socket: Socket) => socket.destroy());
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
