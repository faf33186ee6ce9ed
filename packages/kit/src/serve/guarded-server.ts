// Limits of every listener before a request is interpreted: its duration and size, and its caller.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as Listener, type AddressInfo } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { createConnections, type Arrival, type ConnectionsOptions } from './connections/connections.ts';
import { closeSoon } from './connections/close-soon.ts';
import { limitHandshakes } from './connections/handshakes.ts';
import { createMessageClass } from './message-class.ts';

/** For receiving a request; the response may take longer. */
export const requestLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  // Hand-written clients of the metadata service may omit the Host header.
  requireHostHeader: false,
  // A second Host header must not be ignored.
  joinDuplicateHeaders: true,
  // Few requests have a body; the others need no stream.
  optimizeEmptyRequests: true,
};

/**
 * A request with more is malformed. Node's parser keeps the first 31 headers of an incomplete request outside the heap and further ones
 * as strings in it: hundreds of them, or large ones, on a thousand connections filled a heap of 64 MiB.
 */
export const headersLimit = 30;

export interface GuardOptions<About> extends ConnectionsOptions<About> {
  readonly handle: (
    message: IncomingMessage,
    response: ServerResponse,
    arrival: Arrival<About> & { readonly now: number },
  ) => void;
  /** For a caller over its rate, where there is one: a complete response that ends the connection. */
  readonly refuse?: (response: ServerResponse, peer: string) => void;
  /** Complete responses, as bytes on the wire, for connections on which no request could be read. Default: with a status alone. */
  readonly lines?: { readonly tooFast: string; readonly malformed: string };
  /** Of the line and the headers of a request, in bytes; default: 16 KiB. */
  readonly longestHead?: number;
  /** As PEM: TLS alone is served. Default: without TLS. */
  readonly tls?: OwnTls;
}

export interface OwnTls {
  readonly key: string;
  readonly certificate: string;
}

const statusAlone = {
  tooFast: 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  malformed: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
};

export function createGuardedServer<About>(options: GuardOptions<About>) {
  const { clock, handle, refuse, lines = statusAlone } = options;
  const { longestHead: maxHeaderSize = requestLimits.maxHeaderSize } = options;
  const connections = createConnections(options);
  const take = (message: IncomingMessage, response: ServerResponse) => {
    const now = clock.elapsed();
    const { socket } = message;
    const { peer, connection, verdict } = connections.arrive(socket, response, now);
    if (verdict === 'refuse') refuse?.(response, peer);
    else if (verdict === 'answer') handle(message, response, { peer, connection, verdict, now });
    connections.given(socket, response);
  };
  const settings = { ...requestLimits, maxHeaderSize, IncomingMessage: createMessageClass(connections) };
  const tlsServer = options.tls && createTlsServer({ ...settings, ...tlsSettings(options.tls) }, take);
  const server: Server = tlsServer ?? createServer(settings, take);
  server.maxHeadersCount = headersLimit;
  // A client may close its half of the connection after the request (`nc -N`); connections.ts limits for how long.
  Object.assign(server, { httpAllowHalfOpen: true });
  // For unknown expectations Node would respond 417 by itself, without any rate limit.
  server.on('checkExpectation', take);
  // A connection that is not admitted never reaches Node's own listener, which costs more than to accept and close it.
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection').on('connection', (socket) => {
    if (!connections.admit(socket)) return;
    for (const listener of listeners) listener.call(server, socket);
    if (!tlsServer) connections.enter(socket);
  });
  server.on('clientError', (_, socket) => {
    const line = connections.isHeld(socket) ? lines.tooFast : lines.malformed;
    if (socket.writable) closeSoon(socket.end(line), clock);
    else socket.destroy();
  });
  if (tlsServer) limitHandshakes(tlsServer, (socket) => connections.enter(socket));
  return {
    server,
    connections,
    /** From now on new connections get this certificate. Only with `tls`. */
    renew: (tls: OwnTls) => tlsServer?.setSecureContext(tlsSettings(tls)),
    /** Returns the port; 0 lets the system choose one. Without an address: all of them. */
    listen: async (at: { readonly port: number; readonly host?: string }): Promise<number> => {
      await once(server.listen(at), 'listening');
      // The kernel may fail to accept one connection (ENOBUFS), which must not end the process.
      server.on('error', () => undefined);
      return (server.address() as AddressInfo).port;
    },
    /** Accepts no new connections, and closes the others when their requests are answered, or after this time. */
    close: (graceMs: number): Promise<void> => {
      connections.release();
      return closeGently(server, graceMs, clock);
    },
  };
}

/** An idle connection may already carry its next request, which is answered before the connection is closed. */
const idleGraceMs = 3_000;

function closeGently(server: Server, graceMs: number, clock: Clock): Promise<void> {
  const cuts = [
    clock.after(Math.min(graceMs, idleGraceMs), () => server.closeIdleConnections()),
    clock.after(graceMs, () => server.closeAllConnections()),
  ];
  return new Promise((resolve) => {
    // Not close() of http.Server, which closes idle connections at once.
    Listener.prototype.close.call(server, () => {
      cuts.forEach((cut) => cut.cancel());
      resolve();
    });
  });
}

function tlsSettings({ key, certificate: cert }: OwnTls) {
  return { key, cert, minVersion: 'TLSv1.3', handshakeTimeout: 5_000 } as const;
}
