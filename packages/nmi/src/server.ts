import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '@pod-identity/kit/core';
import type { App } from './app.ts';
import { listenerName } from './redirect/path-probe.ts';
import { callerAddress } from './request/caller.ts';
import { respond } from './respond/respond.ts';
import type { InboundRequest, OutboundResponse } from './wire.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly app: App;
  readonly clock: Clock;
  /** Connections of all callers, and of one of them. */
  readonly connections?: number;
  readonly connectionsPerCaller?: number;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Takes no new connection, lets answers under way be given until the time is over, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

const limits = {
  /** A token request is one short line and a few headers. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  /** For the request to arrive, not for the answer. */
  requestTimeout: 10_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  // Hand-written clients of the real service get along without a Host header.
  requireHostHeader: false,
  // The first of two Host headers must not be judged while the second one goes unseen.
  joinDuplicateHeaders: true,
};

/** Makes values of requests and writes the answers. The one place that reads who is at the other end of a connection. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, app, clock, connections = 4_096, connectionsPerCaller = 1_024 } = options;
  const callers = createCallerRegister(connectionsPerCaller, clock);
  let isClosing = false;

  const server = createServer(limits, (message, response) => {
    const request = new SocketRequest(message, response, {
      ...callers.of(message.socket),
      now: clock.now(),
    });
    app(request).then(
      (answer) => write(response, answer, isClosing),
      // The app answers for its own failures: this is the last resort.
      () =>
        write(response, respond({ kind: 'crashed' }, { nowMs: clock.now(), notAssignedStatus: 503 }), true),
    );
  });
  server.maxConnections = connections;
  server.on('connection', (socket) => callers.enter(socket));
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end(badRequestLine);
    else socket.destroy();
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The agent that replaces this one listens besides it until this one has answered the last request.
    server.listen({ host, port, reusePort: true }, resolve);
  });
  const bound = server.address() as AddressInfo;

  return {
    address: bound.address,
    port: bound.port,
    close: (graceMs) =>
      new Promise((resolve) => {
        isClosing = true;
        const cut = clock.after(graceMs, () => server.closeAllConnections());
        server.close(() => {
          cut.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

const badRequestLine = (() => {
  const answer = respond({ kind: 'nowhere', why: 'malformed' }, { nowMs: 0, notAssignedStatus: 503 });
  const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 400 Bad Request\r\n${headers.join('')}Connection: close\r\n\r\n${String(answer.body)}`;
})();

type Connection = Pick<InboundRequest, 'peer' | 'connectedAt'>;
const nobody: Connection = { peer: '', connectedAt: 0 };

/** Who is at the other end of each connection, and how many connections each of them has. */
function createCallerRegister(connectionsPerCaller: number, clock: Clock) {
  const callers = new WeakMap<Socket, Connection>();
  const counts = new Map<string, number>();

  return {
    enter(socket: Socket) {
      const peer = callerAddress(socket.remoteAddress);
      const count = (counts.get(peer) ?? 0) + 1;
      callers.set(socket, { peer, connectedAt: clock.now() });
      counts.set(peer, count);
      socket.once('close', () => {
        const left = (counts.get(peer) ?? 1) - 1;
        if (left > 0) counts.set(peer, left);
        else counts.delete(peer);
      });
      if (count > connectionsPerCaller) socket.destroy();
    },
    of: (socket: Socket): Connection => callers.get(socket) ?? nobody,
  };
}

class SocketRequest implements InboundRequest {
  readonly method: string;
  readonly target: string;
  readonly peer: string;
  readonly receivedAt: number;
  readonly connectedAt: number;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  #gone: AbortSignal | undefined;

  constructor(message: IncomingMessage, response: ServerResponse, at: Connection & { now: number }) {
    this.method = message.method ?? '';
    this.target = message.url ?? '';
    this.peer = at.peer;
    this.receivedAt = at.now;
    this.connectedAt = at.connectedAt;
    this.#message = message;
    this.#response = response;
  }

  get headers() {
    return this.#message.headers;
  }

  get gone() {
    this.#gone ??= goneSignal(this.#response);
    return this.#gone;
  }
}

function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const hangUp = () => controller.abort();
  if (response.destroyed || response.socket?.destroyed) hangUp();
  else response.once('close', () => !response.writableFinished && hangUp());
  return controller.signal;
}

function write(response: ServerResponse, { status, headers, body }: OutboundResponse, isLast: boolean): void {
  if (response.destroyed) return;
  const named = { ...headers, Server: listenerName };
  response.writeHead(status, isLast ? { ...named, Connection: 'close' } : named);
  if (typeof body === 'string') response.end(body, 'latin1');
  else response.end(body);
}
