// Limits of every listener before a request is interpreted: of an address, of a connection, of a request's size and duration.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as Listener, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import type { LimitEffect } from '../core/limit-effect.ts';
import { callerAddress } from '../core/peer-address.ts';
import type { TokenBucket } from '../core/token-bucket.ts';
import { createAddresses, type AddressLimits } from './addresses.ts';
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

/** Without any data in between: of a response that is not read, and of an idle connection. */
const silenceMs = 30_000;
/** Time to write the rest, and for the reader to take it. */
const closeSoonMs = 1_000;

export interface GuardOptions<About> extends AddressLimits {
  readonly clock: Clock;
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
  readonly peer: string;
  readonly socket: Socket;
  readonly about: About;
  readonly bucket: TokenBucket;
  /** The first request is paid with the connection. */
  isPaid: boolean;
  /** Only a count: keeping responses until the next request cost a fifth of the time in garbage collection. */
  unanswered: number;
  /** Called when Node closes a response, shortly after its last byte was taken. */
  readonly over: () => void;
}

const statusAlone = {
  tooFast:
    'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  malformed: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
};

export function createGuardedServer<About>(options: GuardOptions<About>) {
  const { clock, lines = statusAlone, tls } = options;
  const connections = createConnections(options);
  const take = createTaking(options);
  const settings = {
    ...requestLimits,
    maxHeaderSize: options.longestHead ?? requestLimits.maxHeaderSize,
    IncomingMessage: createMessageClass(connections.acceptsRequest),
  };
  const tlsServer = tls && createTlsServer({ ...settings, ...tlsSettings(tls) }, take);
  const server: Server = tlsServer ?? createServer(settings, take);
  // The kernel may fail to accept one connection (ENOBUFS), which must not end the process.
  server.on('error', () => undefined);
  server.maxHeadersCount = headersLimit;
  // A client may close its half of the connection after the request (`nc -N`); `mark` limits for how long.
  Object.assign(server, { httpAllowHalfOpen: true });
  // For unknown expectations Node would respond 417 by itself, without any rate limit.
  server.on('checkExpectation', take);
  server.setTimeout(silenceMs, connections.endSilence);
  server.on('clientError', (_, socket) => {
    if (socket.writable) closeSoon(socket.end(lines.malformed), clock);
    else socket.destroy();
  });
  guardEntry(server, connections.enter, tls ? '' : lines.tooFast);
  tlsServer?.on('secureConnection', connections.mark);
  // Node's listener would make an HTTP response of it.
  tlsServer?.removeAllListeners('tlsClientError').on('tlsClientError', (_, socket) => socket.destroy());
  return {
    server,
    /** From now on new connections get this certificate. Only with `tls`. */
    renew: (renewed: OwnTls) => tlsServer?.setSecureContext(tlsSettings(renewed)),
    /** Returns the port; 0 lets the system choose one. Without an address: all of them. */
    listen: async (at: { readonly port: number; readonly host?: string }): Promise<number> => {
      await once(server.listen(at), 'listening');
      return (server.address() as AddressInfo).port;
    },
    /** Accepts no new connections, and closes the others when their requests are answered, or after this time. */
    close: (graceMs: number): Promise<void> => closeGently(server, graceMs, clock),
  };
}

/** A connection that is not admitted never reaches Node's own listener, which costs more than to accept and close it. */
function guardEntry(server: Server, enter: (socket: Socket) => boolean, tooFast: string): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection').on('connection', (socket) => {
    if (enter(socket)) for (const listener of listeners) listener.call(server, socket);
    else {
      // It may be reset already.
      socket.on('error', () => undefined).write(tooFast);
      socket.destroySoon();
    }
  });
}

/** A property of the socket: a map would need a lookup for each request. */
const key = Symbol('connection');
const of = <About>(socket: Socket) => (socket as Socket & { readonly [key]: Connection<About> })[key];

function createTaking<About>({ clock, handle, refuse, onLimited }: GuardOptions<About>) {
  return (message: IncomingMessage, response: ServerResponse): void => {
    const now = clock.elapsed();
    const connection = of<About>(message.socket);
    connection.unanswered += 1;
    response.on('close', connection.over);
    const { peer, about, bucket, isPaid } = connection;
    connection.isPaid = false;
    if (isPaid || bucket.take(now) === 0) handle(message, response, { peer, connection: about, now });
    else {
      onLimited('refused', peer);
      refuse(response, peer);
    }
  };
}

function createConnections<About>(options: GuardOptions<About>) {
  const { clock, describe, onLimited } = options;
  const addresses = createAddresses<Connection<About>>(options);
  /** Where TLS comes next, its socket is marked as well. */
  const mark = (socket: Socket): Connection<About> => {
    const now = clock.elapsed();
    const peer = callerAddress(socket.remoteAddress);
    const [about, bucket] = [describe(peer, now), addresses.bucketOf(peer, now)];
    const over = () => void (connection.unanswered -= 1);
    const connection: Connection<About> = { peer, socket, about, bucket, isPaid: true, unanswered: 0, over };
    Object.assign(socket, { [key]: connection });
    // The client may have closed only its half, or be gone: both look the same.
    socket.once('end', () => connection.unanswered > 0 && closeSoon(socket, clock));
    return connection;
  };
  const close = (connection: Connection<About>, effect: LimitEffect) => {
    addresses.remove(connection);
    connection.socket.destroy();
    onLimited(effect, connection.peer);
  };
  return {
    mark,
    /** Counts a new connection; false if it must be closed. */
    enter: (socket: Socket): boolean => {
      const peer = callerAddress(socket.remoteAddress);
      if (!addresses.admit(peer, clock.elapsed())) {
        onLimited('turned-away', peer);
        return false;
      }
      const connection = mark(socket);
      socket.once('close', () => addresses.remove(connection));
      const excess = addresses.add(connection, clock.elapsed());
      if (excess) close(excess, 'evicted');
      return !socket.destroyed;
    },
    /** Called for each request head. If too many before it are unanswered, its connection is closed. */
    acceptsRequest: (socket: Socket): boolean => {
      const connection = of<About>(socket);
      if (connection.unanswered < unansweredLimit) return true;
      if (!socket.destroyed) close(connection, 'pipelined');
      return false;
    },
    endSilence: (socket: Socket): void => {
      const connection = of<About>(socket);
      if (socket.writableLength > 0) close(connection, 'unread');
      else if (connection.unanswered === 0) socket.destroy();
    },
  };
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
