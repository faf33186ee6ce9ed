// Limits of every listener before a request is interpreted: of an address, of a connection, of a request's size and duration.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as Listener, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.ts';
import type { LimitEffect } from '../core/limit-effect.ts';
import { callerAddress } from '../core/peer-address.ts';
import { createAddresses, type Address, type AddressLimits } from './addresses.ts';
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

/**
 * Of a connection. Clients of the metadata service do not pipeline; without a limit one packet would create hundreds of requests and
 * responses before the bucket of its address is looked at.
 */
const unansweredLimit = 4;

const MiB = 1024 * 1024;
/** Bytes of responses that the kernel has not taken; the largest response has 1 MiB. */
const unreadLimits = { ofAddress: 2 * MiB, total: 16 * MiB };
/** A response fits into one packet, or into a few hundred. */
const patienceMs = 30_000;
/** So long a connection with an unanswered request is not taken for an idle one. */
const exchangeMs = 5_000;
/** Time to write the rest, and for the reader to take it. */
const closeSoonMs = 1_000;

export interface GuardOptions<About> extends AddressLimits {
  readonly clock: Clock;
  /** Of all addresses. Beyond that the address with most loses the one that has been idle longest. */
  readonly connections: number;
  /** The program's data about a connection, created when it opens. */
  readonly describe: (peer: string, openedAt: number) => About;
  readonly onLimited: (effect: LimitEffect, peer: string) => void;
  readonly handle: (message: IncomingMessage, response: ServerResponse, arrival: Arrival<About>) => void;
  /** For an address over its rate: a complete response that ends the connection. */
  readonly refuse: (response: ServerResponse, peer: string) => void;
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

export interface Arrival<About> {
  readonly peer: string;
  readonly connection: About;
  readonly now: number;
}

interface Connection<About> {
  readonly address: Address<Connection<About>>;
  readonly about: About;
  socket: Socket;
  /** When it became idle. */
  since: number;
  isRefused: boolean;
  unanswered: number;
  /** Complete responses that wait for those before them. */
  readonly behind: Set<ServerResponse>;
  /** At the last look. */
  unread: number;
  patience: Timer | undefined;
  /** Called when Node closes a response, shortly after its last byte was taken. */
  readonly over: () => void;
  /** Called when a whole response was passed to the kernel. */
  readonly sent: () => void;
}

const statusAlone = {
  tooFast:
    'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  malformed: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
};

export function createGuardedServer<About>(options: GuardOptions<About>) {
  const { clock, handle, refuse, lines = statusAlone, onLimited } = options;
  const { longestHead: maxHeaderSize = requestLimits.maxHeaderSize } = options;
  const guard = createConnections(options);
  const take = (message: IncomingMessage, response: ServerResponse) => {
    const now = clock.elapsed();
    const connection = guard.of(message.socket);
    const { address, about } = connection;
    follow(connection, response, now);
    if (address.bucket.take(now) === 0 && !connection.isRefused)
      handle(message, response, { peer: address.peer, connection: about, now });
    else if (!connection.isRefused) {
      connection.isRefused = true;
      onLimited('refused', address.peer);
      refuse(response, address.peer);
    }
    guard.given(connection, response);
  };
  const settings = { ...requestLimits, maxHeaderSize, IncomingMessage: createMessageClass(guard) };
  const tlsServer = options.tls && createTlsServer({ ...settings, ...tlsSettings(options.tls) }, take);
  const server: Server = tlsServer ?? createServer(settings, take);
  server.maxHeadersCount = headersLimit;
  // A client may close its half of the connection after the request (`nc -N`); `enter` limits for how long.
  Object.assign(server, { httpAllowHalfOpen: true });
  // For unknown expectations Node would respond 417 by itself, without any rate limit.
  server.on('checkExpectation', take);
  // A connection that is not admitted never reaches Node's own listener, which costs more than to accept and close it.
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection').on('connection', (socket) => {
    if (!guard.admit(socket)) {
      if (!tlsServer) socket.write(lines.tooFast);
      socket.destroySoon();
      return;
    }
    for (const listener of listeners) listener.call(server, socket);
    guard.enter(socket);
  });
  server.on('clientError', (_, socket) => {
    if (socket.writable) closeSoon(socket.end(lines.malformed), clock);
    else socket.destroy();
  });
  tlsServer?.on('secureConnection', guard.secure);
  // Node's listener would make an HTTP response of it.
  tlsServer?.removeAllListeners('tlsClientError').on('tlsClientError', (_, socket) => socket.destroy());
  return {
    server,
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
    close: (graceMs: number): Promise<void> => closeGently(server, graceMs, clock),
  };
}

/** A property of the socket: a map would need a lookup for each request. */
const mark = Symbol('connection');

function createConnections<About>(options: GuardOptions<About>) {
  const { clock, onLimited } = options;
  const addresses = createAddresses<Connection<About>>(options);
  // Of TLS, by address and port: the socket of TLS does not tell which one it has within.
  const handshakes = new Map<string, Connection<About>>();
  let [total, unread] = [0, 0];
  const of = (socket: Socket) => (socket as unknown as Record<symbol, Connection<About>>)[mark]!;
  const marked = (socket: Socket, connection: Connection<About>) => Object.assign(socket, { [mark]: connection });

  const count = (connection: Connection<About>, bytes: number) => {
    const { address } = connection;
    address.unread += bytes - connection.unread;
    unread += bytes - connection.unread;
    connection.unread = bytes;
    if (bytes > 0) connection.patience ??= clock.after(patienceMs, () => close(connection, 'unread'));
    else connection.patience = void connection.patience?.cancel();
  };
  const close = (connection: Connection<About>, effect: LimitEffect) => {
    connection.isRefused = true;
    leave(connection);
    connection.socket.destroy();
    onLimited(effect, connection.address.peer);
  };
  const leave = (connection: Connection<About>) => {
    count(connection, 0);
    if (connection.address.connections.delete(connection)) total -= 1;
  };
  const look = (connection: Connection<About>) => {
    const { socket, behind, address } = connection;
    if (socket.destroyed) return;
    let bytes = socket.writableLength;
    for (const response of behind) bytes += response.socket === null ? response.writableLength : 0;
    if (bytes === connection.unread) return;
    count(connection, bytes);
    if (address.unread > unreadLimits.ofAddress) close(connection, 'unread');
    else if (unread > unreadLimits.total)
      for (const one of addresses.withMost(({ unread: has }) => has)) if (one.unread > 0) close(one, 'unread');
  };

  return {
    of,
    /** Counts a new connection; false if it must be closed. */
    admit(socket: Socket): boolean {
      const peer = callerAddress(socket.remoteAddress);
      if (addresses.admit(peer, clock.elapsed())) return true;
      onLimited('turned-away', peer);
      return false;
    },
    /** To be called after Node's server has the admitted connection. */
    enter(socket: Socket): void {
      const now = clock.elapsed();
      const address = addresses.of(callerAddress(socket.remoteAddress), now);
      const connection: Connection<About> = {
        ...{ address, socket, about: options.describe(address.peer, now), since: now },
        ...{ isRefused: false, unanswered: 0, unread: 0, patience: undefined, behind: new Set() },
        over() {
          connection.unanswered -= 1;
          connection.since = clock.elapsed();
          look(connection);
        },
        sent: () => look(connection),
      };
      marked(socket, connection);
      const name = `${socket.remoteAddress} ${socket.remotePort}`;
      if (options.tls) handshakes.set(name, connection);
      socket.once('close', () => {
        leave(connection);
        // A client may use its port again before its earlier connection is noticed as closed.
        if (handshakes.get(name) === connection) handshakes.delete(name);
      });
      endWithClient(connection, clock);
      address.connections.add(connection);
      total += 1;
      if (total > options.connections) close(idlest(addresses.withMost(), connection), 'evicted');
    },
    /** A handshake has ended: from now on the connection is read and written by this socket. */
    secure(socket: Socket): void {
      const connection = handshakes.get(`${socket.remoteAddress} ${socket.remotePort}`);
      if (!connection) {
        socket.destroy();
        return;
      }
      connection.socket = marked(socket, connection);
      endWithClient(connection, clock);
    },
    /** Called for each request head. If too many before it are unanswered, its connection is closed. */
    acceptsRequest(socket: Socket): boolean {
      const connection = of(socket);
      if (connection.unanswered < unansweredLimit) return true;
      if (!connection.socket.destroyed) close(connection, 'pipelined');
      return false;
    },
    /** To be called after the program got a request, answered or not, to count the unread bytes. */
    given(connection: Connection<About>, response: ServerResponse): void {
      if (!response.writableEnded) response.on('prefinish', connection.sent);
      if (connection.unanswered > 1) followBehind(connection, response);
      look(connection);
    },
  };
}

function follow(connection: Connection<unknown>, response: ServerResponse, now: number): void {
  connection.unanswered += 1;
  connection.since = now + exchangeMs;
  response.on('close', connection.over);
}

/**
 * Node writes the responses of a connection in order: a response before its turn keeps its bytes, without an event. Only for responses
 * that have others before them, because of the cost.
 */
function followBehind({ behind, sent }: Connection<unknown>, response: ServerResponse): void {
  behind.add(response);
  response.once('close', () => behind.delete(response));
  const end = response.end.bind(response) as (...args: unknown[]) => unknown;
  response.end = (...args: unknown[]) => {
    end(...args);
    sent();
    return response;
  };
}

/** The client may have closed only its half, or be gone: both look the same. */
function endWithClient({ socket }: Connection<unknown>, clock: Clock): void {
  socket.once('end', () => closeSoon(socket, clock));
}

function idlest<C extends { readonly since: number }>(all: Iterable<C>, newcomer: C): C {
  let found: C | undefined;
  for (const one of all)
    if (one !== newcomer && (found === undefined || one.since < found.since)) found = one;
  return found ?? newcomer;
}

/** Closes a connection even if the other end keeps its half open. */
function closeSoon(socket: Duplex, clock: Clock): void {
  const timer = clock.after(closeSoonMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
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
