// Room: sockets: listens, turns what arrives into a request as a value, writes the response, drains at the end.
// It must not choose a status, or know pods' identities or tokens.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock, LimitEffect, Timer } from '@pod-identity/kit/core';
import { createGuardedServer, type Arrival } from '@pod-identity/kit/serve';
import type { SocketOwner } from './socket-owner.ts';
import { listen } from './listen.ts';
import { bodyOf, largestBody } from '../request/body.ts';
import { CallerConnection } from '../identify/caller-connection.ts';
import { readTarget } from '../request/request-target.ts';
import type { Outcome } from '../respond/outcome.ts';
import { respond } from '../respond/respond.ts';
import { listenerName, type App, type InboundRequest, type OutboundResponse } from '../request/wire.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly app: App;
  readonly clock: Clock;
  /** Limit for one caller; default 0: none. */
  readonly requestsPerSecond?: number;
  /** Of all callers. */
  readonly connections?: number;
  readonly onLimited?: (effect: LimitEffect, peer: string) => void;
  /** The kernel's neighbour entry of an address. */
  readonly neighbourOf?: (address: string) => string | undefined;
  /** For Retry-After of refused callers; default: the shortest time. */
  readonly random?: () => number;
  /** Owner of the listening socket; default: the process. */
  readonly owner?: SocketOwner;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Alone: the agent that replaces this one can listen only after this one has ended. */
  readonly sharing: 'shared' | 'alone';
  /** Accepts no new connections, and closes the others when their requests are answered, or after this time. */
  close(graceMs: number): Promise<void>;
}

/** Parses requests and writes responses. The only place that reads the peer address of connections. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, app, clock } = options;
  let isClosing = false;
  const respondTo = createResponding(app, () => isClosing);

  const { server, close } = createGuardedServer({
    ...callerLimits,
    ...options,
    describe: (peer, openedAt) => new CallerConnection(openedAt, options.neighbourOf?.(peer)),
    handle: (message, response, arrival) => {
      const refusal = refusalOfBody(message);
      if (refusal) {
        write(response, responseFor(refusal), true);
        return;
      }
      respondTo(response, new SocketRequest(response, arrival, clock));
    },
    refuse: (response, peer) => write(response, responseFor(tooFast(peer), options.random), true),
    lines: { tooFast: tooFastLine, malformed: badRequestLine },
  });

  const sharing = await listen(server, { host, port, backlog: queuedConnections }, options.owner);
  const bound = server.address() as AddressInfo;

  return {
    address: bound.address,
    port: bound.port,
    sharing,
    close: (graceMs) => {
      isClosing = true;
      return close(graceMs);
    },
  };
}

/** Connections that the kernel queues; with Node's 511 a caller that connects fast makes others wait for a second. */
const queuedConnections = 4_096;

const callerLimits = {
  requestsPerSecond: 0,
  connections: 4_096,
  onLimited: () => undefined,
};

const lowest = () => 0;
const responseFor = (outcome: Outcome, random = lowest): OutboundResponse =>
  respond(outcome, { nowMs: 0, notAssignedStatus: 503, random });
const tooFast = (peer: string): Outcome => ({ kind: 'too-fast', address: peer });
const badRequestLine = wholeResponse({ kind: 'nowhere', why: 'malformed' });
const tooFastLine = wholeResponse(tooFast(''));

/** For a connection on which no request was read. */
function wholeResponse(outcome: Outcome): string {
  const { status, reason = STATUS_CODES[status] ?? '', headers, body } = responseFor(outcome);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}Connection: close\r\n\r\n${String(body)}`;
}

/** No request needs a body. Small ones are ignored. */
function refusalOfBody(message: IncomingMessage): Outcome | undefined {
  const body = bodyOf(message.headers);
  if (body === 'none' || body === 'small') return undefined;
  if (body === 'unknown') cutEndless(message);
  return body === 'large' ? { kind: 'bad-request', problem: { why: 'body-too-large' } } : undefined;
}

function cutEndless(message: IncomingMessage): void {
  let length = 0;
  message.on('data', (part: Buffer) => {
    length += part.length;
    if (length > largestBody) message.destroy();
  });
}

class SocketRequest implements InboundRequest {
  readonly method: string;
  readonly target: string;
  readonly authority: string | undefined;
  readonly peer: string;
  readonly receivedAt: number;
  readonly connection: CallerConnection;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #gone: AbortSignal | undefined;

  constructor(response: ServerResponse, at: Arrival<CallerConnection>, clock: Clock) {
    const message = response.req;
    this.method = message.method ?? '';
    const { target, authority } = readTarget(message.url ?? '');
    this.target = target;
    this.authority = authority;
    this.peer = at.peer;
    this.receivedAt = at.now;
    this.connection = at.connection;
    this.#message = message;
    this.#response = response;
    this.#clock = clock;
  }

  get headers() {
    return this.#message.headers;
  }

  get gone() {
    this.#gone ??= goneSignal(this.#message.socket, this.#response, (hangUp) =>
      this.#clock.after(Math.max(0, this.receivedAt + halfClosedMs - this.#clock.elapsed()), hangUp),
    );
    return this.#gone;
  }
}

/**
 * A client that has half-closed its connection (`nc -N`) gets a response that is ready within this time. A client that has died looks the
 * same, so it waits no longer.
 */
const halfClosedMs = 900;

/** Also uses the socket's 'close': Node emits that of a response only after all earlier responses. */
function goneSignal(
  socket: Socket,
  response: ServerResponse,
  later: (hangUp: () => void) => Timer,
): AbortSignal {
  const controller = new AbortController();
  let timer: Timer | undefined;
  const hangUp = () => controller.abort();
  const hangUpLater = () => {
    timer = later(hangUp);
  };
  if (response.destroyed || socket.destroyed) hangUp();
  else {
    socket.once('close', hangUp);
    if (socket.readableEnded) hangUpLater();
    else socket.once('end', hangUpLater);
    response.once('close', () => {
      timer?.cancel();
      socket.off('close', hangUp).off('end', hangUpLater);
      if (!response.writableFinished) hangUp();
    });
  }
  return controller.signal;
}

/** Writes the app's response. The app handles its own errors; the 500 here is the last resort. */
function createResponding(app: App, isClosing: () => boolean) {
  const finish = (response: ServerResponse, request: InboundRequest, outbound: OutboundResponse) =>
    write(response, outbound, isClosing() || request.connection.isLast);

  return (response: ServerResponse, request: InboundRequest): void => {
    try {
      const outbound = app.respond(request);
      if (outbound instanceof Promise)
        outbound.then((late) => finish(response, request, late)).catch(() => fail(response));
      else finish(response, request, outbound);
    } catch {
      fail(response);
    }
  };
}

function fail(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  write(response, responseFor({ kind: 'crashed' }), true);
}

function write(response: ServerResponse, outbound: OutboundResponse, isLast: boolean): void {
  if (response.destroyed) return;
  const { status, reason, headers, body } = outbound;
  const named = { ...headers, Server: listenerName };
  response.writeHead(status, reason, isLast ? { ...named, Connection: 'close' } : named);
  if (typeof body === 'string') response.end(body, 'latin1');
  else response.end(body);
}
