// Room: the metadata service of the machine: tokens of managed identities, and how fast it may be asked.
// It must not decide who may use which identity.
import {
  Agent,
  request,
  type ClientRequest,
  type ClientRequestArgs,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { FetchLike } from '@pod-identity/imds-client';
import { readUpTo } from '@pod-identity/kit/core';
import { responseOf } from '@pod-identity/kit/serve';

/** The way to the machine's metadata service. It follows no redirect. */
export interface MetadataService {
  /** Asks for this path with its query; resolves when the headers are there. The signal ends the question and its answer. */
  get(path: string, how: { readonly signal: AbortSignal }): Promise<IncomingMessage>;
  /** The same in the shape of `fetch`, for URLs of this service. */
  readonly fetch: FetchLike;
  /** Ends all questions under way; none of them is asked again. */
  close(): void;
}

/** As many as are used at a time (pace.ts); each is closed after it was idle for half a minute. */
const connections = { maxFreeSockets: 5, maxSockets: 16, timeout: 30_000 };

/**
 * Over node:http, because `fetch` is another HTTP client, which costs 14 MiB of memory on every node. Connections are kept,
 * so that a caller doesn't wait for a new one. A question is repeated once, on a connection of its own, when it was sent over a kept
 * one that turns out to be closed: questions change nothing, so that it doesn't matter whether the first one was heard.
 */
export function createMetadataService(endpoint: string): MetadataService {
  const open = createOpening(endpoint);
  const keeping = new KeepingAgent();
  const single = new Agent();
  let isClosed = false;
  const get: MetadataService['get'] = async (path, { signal }) => {
    const first = open(path, keeping);
    first.once('response', (answer) => {
      if (!isUsual(answer)) keeping.refuse(answer.socket);
    });
    try {
      return await ask(first, signal);
    } catch (error) {
      if (!first.reusedSocket || !isBroken(error) || signal.aborted || isClosed) throw error;
      return ask(open(path, single), signal);
    }
  };
  return {
    get,
    fetch: async (url, how) => {
      const answer = await get(pathOf(url), how);
      return {
        status: answer.statusCode ?? 0,
        headers: { get: (name) => headerOf(answer, name) },
        readUpTo: (limit) => readUpTo(answer, limit),
        text: () => Promise.resolve(''),
      };
    },
    close: () => {
      isClosed = true;
      keeping.destroy();
      single.destroy();
    },
  };
}

/** Node's types leave out what it returns: false when the service has said that it closes the connection within a second. */
interface Keeping {
  readonly keepSocketAlive: (this: Agent, socket: Duplex) => boolean;
}
const { keepSocketAlive: keep } = Agent.prototype as unknown as Keeping;

/**
 * Keeps a connection only after an answer as the service gives it: 200, JSON. Node closes an idle one over which something comes
 * unasked. What comes when the next question is sent already is read as the answer to that: so all questions over a connection are about
 * one identity, or one path, and an answer that is given to another question is of the same identity.
 */
class KeepingAgent extends Agent {
  readonly #unwanted = new WeakSet<object>();
  /** The connections that are kept, the one first that has been idle for the longest time. */
  readonly #idle = new Set<Duplex>();

  constructor() {
    super({ keepAlive: true, ...connections });
  }

  /** Is not to be kept. */
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

  override reuseSocket(socket: Duplex, question: ClientRequest): void {
    this.#idle.delete(socket);
    super.reuseSocket(socket, question);
  }

  /** No more are kept for all identities together than for one. */
  #makeRoom(): void {
    for (const socket of this.#idle) if (socket.destroyed) this.#idle.delete(socket);
    const [oldest] = this.#idle;
    if (oldest && this.#idle.size >= connections.maxFreeSockets) oldest.destroy();
  }
}

/** What the questions over a connection have in common. */
interface About {
  readonly about: string;
}

/** What is the same for all questions is made once. */
function createOpening(endpoint: string): (path: string, agent: Agent) => ClientRequest {
  const url = new URL(endpoint);
  const { hostname: host, port } = urlToHttpOptions(url);
  const headers = ['Host', url.host, 'Metadata', 'true'];
  return (path, agent) => {
    const options: RequestOptions & About = {
      host,
      port,
      headers,
      path,
      agent,
      about: withoutResource(path),
    };
    return request(options);
  };
}

/** As the client writes it, once at most. */
function withoutResource(path: string): string {
  return path.replace(/(?<=[?&])resource=[^&]*/, '');
}

function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2));
}

function isUsual({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && headers['content-type']?.startsWith('application/json') === true;
}

function ask(question: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const answer = responseOf(question, signal);
  question.end();
  return answer;
}

function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function headerOf(answer: IncomingMessage, name: string): string | null {
  const value = answer.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : null;
}
