// What every listener of ours bounds before it knows what is wanted of it: the time and size of a request, and callers.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createConnections,
  type Arrival,
  type Connections,
  type ConnectionsOptions,
} from './connections/connections.ts';
import { closeSoon } from './connections/close-soon.ts';
import { createMessageClass } from './message-class.ts';

/** For the arrival of a request; how long its answer takes is a matter of the program. */
export const requestLimits = {
  /** A request is one short line and a few headers. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  // Hand-written clients of the real metadata service get along without a Host header.
  requireHostHeader: false,
  // The first of two Host headers must not be judged while the second one goes unseen.
  joinDuplicateHeaders: true,
  // Nearly no request has a body; one that has none gets no stream that waits to be read.
  optimizeEmptyRequests: true,
};

/**
 * A request with more is malformed. While a request is incomplete, Node's parser keeps its first 31 headers outside of the heap and
 * any further ones as strings in it: hundreds of them, or large ones, on a thousand connections filled a heap of 64 MiB.
 */
export const headersLimit = 30;

export interface GuardOptions<About> extends ConnectionsOptions<About> {
  readonly answer: (
    message: IncomingMessage,
    response: ServerResponse,
    arrival: Arrival<About> & { readonly now: number },
  ) => void;
  /** It asked too often: a whole answer that ends the connection. */
  readonly refuse: (response: ServerResponse, peer: string) => void;
  /** Whole answers, as they go over the wire, for a connection on which no request could be read. */
  readonly lines: { readonly tooFast: string; readonly malformed: string };
}

export interface Guarded<About> {
  readonly server: Server;
  readonly connections: Connections<About>;
}

/** An HTTP server that is not listening yet. */
export function createGuardedServer<About>(options: GuardOptions<About>): Guarded<About> {
  const { clock, answer, refuse, lines } = options;
  const connections = createConnections(options);
  const take = (message: IncomingMessage, response: ServerResponse) => {
    const now = clock.now();
    const { socket } = message;
    const { peer, connection, verdict } = connections.arrive(socket, response, now);
    if (verdict === 'refuse') refuse(response, peer);
    else if (verdict === 'answer') answer(message, response, { peer, connection, verdict, now });
    connections.given(socket, response);
  };
  const server = createServer({ ...requestLimits, IncomingMessage: createMessageClass(connections) }, take);
  server.maxHeadersCount = headersLimit;
  // A client that has sent all that it wants to say may close its half (`nc -N`); connections.ts says for how long.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Expectations that nobody knows: Node would answer each of them 417 by itself, at no pace.
  server.on('checkExpectation', take);
  server.on('connection', (socket) => connections.enter(socket));
  server.on('clientError', (_, socket) => {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(connections.isHeld(socket) ? lines.tooFast : lines.malformed);
    closeSoon(socket, clock);
  });
  return { server, connections };
}
