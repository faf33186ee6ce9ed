import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultAction, Faults } from './faults.ts';
import type { Journal, JournalEntry } from './journal.ts';

export interface HttpRequest {
  readonly method: string;
  /** As sent, not decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined with ', '. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly remoteAddress: string;
  /** Aborts when the client disconnects or the listener closes. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON; a stream chunk by chunk. A stream that throws destroys the socket. */
  readonly body?: string | object | AsyncIterable<string>;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse> | HttpResponse;

export interface ListenerOptions {
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Chosen by the system when absent. */
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The name in journal and faults. */
  readonly service: string;
  readonly handle: HttpHandler;
  readonly journal: Journal;
  readonly faults: Faults;
  /** The part of the request's body for the journal, without secrets and tokens. Default: none. */
  readonly journalBody?: (request: HttpRequest) => string | undefined;
  readonly now?: () => number;
}

export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Requests are accepted and wait. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Connections are refused, open ones destroyed. */
  readonly stopListening: () => Promise<void>;
  /** On the same port again. */
  readonly startListening: () => Promise<void>;
  /** Closes all sockets at once. */
  readonly close: () => Promise<void>;
}

interface Call {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly request: HttpRequest;
  readonly note: (outcome: JournalEntry['outcome'], status: number) => void;
}

/** While it is closed, requests wait until it opens. */
function createGate() {
  let shut: { readonly opened: Promise<void>; open(): void } | undefined;
  return {
    pass: (): Promise<void> | undefined => shut?.opened,
    shut: () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      shut ??= { opened: promise, open: () => resolve(undefined) };
    },
    open: () => {
      shut?.open();
      shut = undefined;
    },
  };
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function headersOf(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function splitUrl(url: string): { path: string; query: string } {
  const at = url.indexOf('?');
  return at < 0 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) };
}

async function readRequest(message: IncomingMessage, response: ServerResponse): Promise<HttpRequest> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client is gone'));
  });
  const { path, query } = splitUrl(message.url ?? '/');
  return {
    method: message.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers: headersOf(message),
    body: await readBody(message),
    remoteAddress: message.socket.remoteAddress ?? '',
    signal: gone.signal,
  };
}

const isStream = (body: HttpResponse['body']): body is AsyncIterable<string> =>
  typeof body === 'object' && Symbol.asyncIterator in body;

async function sendStream(
  response: ServerResponse,
  body: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  response.flushHeaders();
  for await (const chunk of body) {
    if (signal.aborted) return;
    if (!response.write(chunk)) await once(response, 'drain', { signal });
  }
  response.end();
}

async function send({ response, request }: Call, answer: HttpResponse): Promise<void> {
  const { status, headers = {}, body = '' } = answer;
  const json = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
  if (isStream(body)) {
    response.writeHead(status, { ...json, ...headers });
    await sendStream(response, body, request.signal);
    return;
  }
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, { ...json, 'content-length': bytes.length, ...headers });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Whether a fault ends the request before it is handled. */
function isSwallowed(fault: FaultAction | undefined, { note, message }: Call): boolean {
  if (fault === undefined || !('hang' in fault || 'drop' in fault)) return false;
  note('hang' in fault ? 'hung' : 'dropped', 0);
  if ('drop' in fault) message.socket.destroy();
  return true;
}

async function answerCall(call: Call, options: ListenerOptions): Promise<void> {
  const { request, note, message } = call;
  const fault = options.faults.take({
    ...request,
    service: options.service,
    query: request.query.toString(),
    userAgent: request.headers['user-agent'] ?? '',
  });
  if (isSwallowed(fault, call)) return;
  if (fault && 'delayMs' in fault)
    await delay(fault.delayMs, undefined, { signal: request.signal, ref: false });
  const answer = fault && 'status' in fault ? fault : await options.handle(request);
  if (fault && 'loseAnswer' in fault) {
    note('answer-lost', 0);
    message.socket.destroy();
    return;
  }
  note('answered', answer.status);
  await send(call, answer);
}

async function serve(
  message: IncomingMessage,
  response: ServerResponse,
  options: ListenerOptions,
): Promise<void> {
  const now = options.now ?? Date.now;
  const at = now();
  const request = await readRequest(message, response);
  const note: Call['note'] = (outcome, status) => {
    const body = options.journalBody?.(request);
    options.journal.record({
      at,
      durationMs: now() - at,
      service: options.service,
      method: request.method,
      path: request.path,
      query: request.query.toString(),
      userAgent: request.headers['user-agent'] ?? '',
      remoteAddress: request.remoteAddress,
      outcome,
      status,
      ...(body === undefined ? {} : { body }),
    });
  };
  const call: Call = { message, response, request, note };
  try {
    await answerCall(call, options);
  } catch (error) {
    fail(call, error);
  }
}

/** A client that disconnects is normal; any other error is a bug of the simulator and is printed. */
function fail({ response, request, note }: Call, error: unknown): void {
  if (request.signal.aborted) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  note('answered', 500);
  response.writeHead(500, { 'content-type': 'text/plain' });
  response.end(`simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Serves one handler on a loopback address, with faults and a journal. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const gate = createGate();
  const sockets = new Set<Socket>();
  const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    // A client may disconnect while it sends its body.
    const run = async () => {
      await gate.pass();
      await serve(message, response, options);
    };
    run().catch(() => message.socket.destroy());
  };
  const server: Server = options.tls ? createTlsServer(options.tls, onRequest) : createServer(onRequest);
  // Longer than any client keeps an idle connection: a race at its close would look like a fault.
  server.keepAliveTimeout = 600_000;
  server.requestTimeout = 0;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const host = options.host ?? '127.0.0.1';
  const port = await listen(server, host, options.port ?? 0);

  const stopListening = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    pause: gate.shut,
    resume: gate.open,
    stopListening,
    startListening: async () => {
      if (!server.listening) await listen(server, host, port);
    },
    close: async () => {
      gate.open();
      await stopListening();
    },
  };
}
