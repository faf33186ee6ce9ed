// Room: the metadata service of the machine: tokens of managed identities, and how fast it may be asked.
// It must not decide who may use which identity.
import { Agent, type ClientRequest, type ClientRequestArgs, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { FetchLike } from '@pod-identity/imds-client';
import { readUpTo } from '@pod-identity/kit/core';
import { openRequest, type HttpRequest, type OpenedRequest } from '@pod-identity/kit/serve';

/** Calls the metadata service of the machine. Follows no redirect. */
export interface MetadataService {
  /** Resolves when the response headers have arrived. The signal aborts the request and the response. */
  get(path: string, how: { readonly signal: AbortSignal }): Promise<IncomingMessage>;
  /** The same as a `fetch` function, for URLs of this service. */
  readonly fetch: FetchLike;
  /** Aborts all requests; none is repeated. */
  close(): void;
}

/** As many idle ones as are used at a time (pace.ts), each for half a minute. */
const connections = { maxFreeSockets: 5, maxSockets: 16, timeout: 30_000 };

/**
 * Connections are kept alive. A request that was sent over a kept connection that turns out to be closed is repeated once, on a new one:
 * requests change nothing.
 */
export function createMetadataService(endpoint: string): MetadataService {
  const open = createOpening(endpoint);
  const keeping = new KeepingAgent();
  const single = new Agent();
  let isClosed = false;
  const get: MetadataService['get'] = async (path, { signal }) => {
    const { request, response } = open(path, keeping, signal);
    request.once('response', (first) => {
      if (!isUsual(first)) keeping.refuse(first.socket);
    });
    try {
      return await response;
    } catch (error) {
      if (!request.reusedSocket || !isBroken(error) || signal.aborted || isClosed) throw error;
      return open(path, single, signal).response;
    }
  };
  return {
    get,
    fetch: async (url, how) => {
      const response = await get(pathOf(url), how);
      return {
        status: response.statusCode ?? 0,
        headers: { get: (name) => headerOf(response, name) },
        readUpTo: (limit) => readUpTo(response, limit),
      };
    },
    close: () => {
      isClosed = true;
      keeping.destroy();
      single.destroy();
    },
  };
}

/** Node's types lack the result: false if the service has announced that it closes the connection within a second. */
interface Keeping {
  readonly keepSocketAlive: (this: Agent, socket: Duplex) => boolean;
}
const { keepSocketAlive: keep } = Agent.prototype as unknown as Keeping;

/**
 * Keeps a connection only after a normal response: 200 with JSON. Node closes an idle connection that receives data, but data that
 * arrives after the next request was sent is read as its response. So a connection is used for one identity, or one path, only.
 */
class KeepingAgent extends Agent {
  readonly #unwanted = new WeakSet<object>();
  /** Kept connections; the longest idle first. */
  readonly #idle = new Set<Duplex>();

  constructor() {
    super({ keepAlive: true, ...connections });
  }

  /** The connection will not be kept. */
  refuse(socket: object): void {
    this.#unwanted.add(socket);
  }

  override getName(options?: ClientRequestArgs & Partial<About>): string {
    return options?.about ?? '';
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#unwanted.has(socket) || !keep.call(this, socket)) return false;
    this.#makeRoom();
    this.#idle.add(socket);
    return true;
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    this.#idle.delete(socket);
    super.reuseSocket(socket, request);
  }

  /** The limit of idle connections is for all identities together. */
  #makeRoom(): void {
    for (const socket of this.#idle) if (socket.destroyed) this.#idle.delete(socket);
    const [oldest] = this.#idle;
    if (oldest && this.#idle.size >= connections.maxFreeSockets) oldest.destroy();
  }
}

/** What all requests over a connection have in common. */
interface About {
  readonly about: string;
}

function createOpening(endpoint: string): (path: string, agent: Agent, signal: AbortSignal) => OpenedRequest {
  const url = new URL(endpoint);
  const { hostname: host, port } = urlToHttpOptions(url);
  const headers = { Host: url.host, Metadata: 'true' };
  return (path, agent, signal) => {
    const about = withoutResource(path);
    const request: HttpRequest & About = { host, port, headers, path, agent, about, signal };
    return openRequest(request);
  };
}

function withoutResource(path: string): string {
  return path.replace(/(?<=[?&])resource=[^&]*/, '');
}

function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2));
}

function isUsual({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && headers['content-type']?.startsWith('application/json') === true;
}

function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function headerOf(response: IncomingMessage, name: string): string | null {
  const value = response.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : null;
}
