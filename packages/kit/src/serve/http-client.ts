// HTTP requests over node:http and node:https: `fetch` and undici would take another 13 to 20 MiB of memory. No redirect is followed, and the proxy
// of the environment is used only where it is asked for.
import * as http from 'node:http';
import * as https from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { readUpTo } from '../core/bounded-body.ts';
import { responseOf } from './response-of.ts';

export interface HttpRequest extends Omit<https.RequestOptions, 'headers' | 'signal' | 'timeout'> {
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly body?: string | undefined;
  /** Ends the request, and reading its response. */
  readonly signal: AbortSignal;
}

export interface OpenedRequest {
  readonly request: http.ClientRequest;
  /** Resolves with the headers; the body must be read or destroyed. */
  readonly response: Promise<http.IncomingMessage>;
}

/** Over a connection of its own, unless there is an agent. */
export function openRequest({ body, signal, ...options }: HttpRequest): OpenedRequest {
  const { request: open } = options.protocol === 'https:' ? https : http;
  // Node adds no content-length to a DELETE by itself.
  const length = body === undefined ? undefined : { 'content-length': Buffer.byteLength(body) };
  const request = open({ agent: false, ...options, headers: { ...options.headers, ...length } });
  const response = responseOf(request, signal);
  request.end(body);
  return { request, response };
}

export interface BoundedRequest extends HttpRequest {
  /** Of the response, in bytes. */
  readonly longestBody: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Undefined: it is longer than `longestBody`. */
  readonly body: string | undefined;
}

/** Resolves with the whole response. */
export async function sendRequest(request: BoundedRequest): Promise<HttpResponse> {
  return whole(openRequest(request), request);
}

async function whole(opened: OpenedRequest, { longestBody }: BoundedRequest): Promise<HttpResponse> {
  const response = await opened.response;
  const body = await readUpTo(response, longestBody);
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: body && new TextDecoder().decode(body) };
}

interface UrlRequest extends Pick<BoundedRequest, 'method' | 'body' | 'signal' | 'longestBody'> {
  readonly headers: Readonly<Record<string, string>>;
}

export type HttpClient = ReturnType<typeof createHttpClient>;

interface HttpClientOptions {
  /** For one host. */
  readonly maxSockets: number;
  /** An idle connection is closed after so long, or earlier if the server announces it; so is one to a proxy that does not answer. */
  readonly idleMs: number;
  /** Through the proxy that HTTPS_PROXY and NO_PROXY name. */
  readonly usesProxy?: boolean;
}

/** Keeps connections alive. */
export function createHttpClient({ maxSockets, idleMs, usesProxy = false }: HttpClientOptions) {
  const settings = { keepAlive: true, maxSockets, timeout: idleMs };
  const agents = new Map<string, http.Agent>();
  const closing = new AbortController();

  // At the first request: an address of a proxy that is none then fails requests, not the program.
  const agentFor = ({ protocol }: URL): http.Agent => {
    const agent = agents.get(protocol) ?? rememberingConnections(openAgent(protocol, settings, usesProxy));
    agents.set(protocol, agent);
    return agent;
  };

  return {
    /** Resolves with the whole response. */
    async send(url: string | URL, request: UrlRequest): Promise<HttpResponse> {
      const address = new URL(url);
      const signal = AbortSignal.any([request.signal, closing.signal]);
      const target = { ...urlToHttpOptions(address), agent: agentFor(address) };
      return sendClosing({ ...target, ...request, signal });
    },
    /** Ends running, waiting and later requests. */
    close(): void {
      closing.abort(new Error('the connections are closed'));
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function openAgent(protocol: string, settings: http.AgentOptions, usesProxy: boolean): http.Agent {
  const { Agent } = protocol === 'https:' ? https : http;
  if (!usesProxy) return new Agent(settings);
  try {
    return new Agent({ ...settings, proxyEnv: process.env });
  } catch {
    // Node's error has the address, and that may have a password.
    throw new ProxyAddressError(protocol);
  }
}

/** HTTPS_PROXY, or HTTP_PROXY for http, is none: no request leaves. */
export class ProxyAddressError extends Error {
  override readonly name = 'ProxyAddressError';

  constructor(protocol: string) {
    super(`${protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'} is not the address of a proxy`);
  }
}

/** In the options of a request: the connection that its agent opened for it. */
interface Remembered {
  readonly opened?: { connection?: Duplex | null | undefined };
}

function rememberingConnections(agent: http.Agent): http.Agent {
  const open = agent.createConnection.bind(agent);
  agent.createConnection = (options: http.ClientRequestArgs & Remembered, callback) => {
    const connection = open(options, callback);
    if (options.opened) options.opened.connection = connection;
    if (agent instanceof https.Agent && connection instanceof Socket) limitTunnelResponse(connection);
    return connection;
  };
  return agent;
}

/**
 * For a connection to a proxy for https. Node keeps all of a response to CONNECT until its headers end, without a limit, and doubles its listeners
 * with each part that comes. What comes through the tunnel is not read here.
 */
function limitTunnelResponse(connection: Socket): void {
  const isSecure = connection instanceof TLSSocket;
  connection.once(isSecure ? 'secureConnect' : 'connect', () => {
    // Node listens so to a proxy only, and a listener would keep the response of a server from the request.
    if (connection.listenerCount('readable') === 0) return;
    const longest = http.maxHeaderSize;
    const before = connection.bytesRead;
    connection.on('readable', () => {
      if (connection.bytesRead - before > longest)
        connection.destroy(new Error(`the response of the proxy has more than ${longest} bytes of headers`));
      for (const listener of new Set(connection.listeners('readable') as (() => void)[]))
        while (connection.listenerCount('readable', listener) > 1) connection.off('readable', listener);
    });
  });
}

/**
 * Closes the connection to a proxy if the request fails before it has it. Node gives a request its connection after the handshake of TLS in the
 * tunnel. If the proxy opens no tunnel, or the request ends earlier, Node leaves the connection open for as long as the proxy does.
 */
async function sendClosing(request: BoundedRequest): Promise<HttpResponse> {
  const opened: Remembered['opened'] = {};
  const sent = openRequest(Object.assign({ opened }, request));
  try {
    return await whole(sent, request);
  } catch (error) {
    if (sent.request.socket === null) opened.connection?.destroy();
    throw error;
  }
}
