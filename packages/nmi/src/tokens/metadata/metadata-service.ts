import {
  Agent,
  request,
  type ClientRequest,
  type ClientRequestArgs,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { FetchLike } from '@pod-identity/imds-client';
import { readUpTo } from '@pod-identity/kit/core';

/** The way to the machine's metadata service. It follows no redirect. */
export interface MetadataService {
  /** Answers when the headers are there. */
  get(url: string, how: Asking): Promise<IncomingMessage>;
  /** The same in the shape of `fetch`. */
  readonly fetch: FetchLike;
  /** Cuts what is under way. */
  close(): void;
}

interface Asking {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** As many as are used at a time (pace.ts); each is closed after it was idle for half a minute. */
const connections = { maxFreeSockets: 5, maxSockets: 16, timeout: 30_000 };

/**
 * Over node:http, because `fetch` is another HTTP client, which costs 14 MiB of memory on every node. Connections are kept,
 * so that a caller doesn't wait for a new one. A question is repeated once, on a connection of its own, when it was sent over a kept
 * one that turns out to be closed: questions change nothing, so that it doesn't matter whether the first one was heard.
 */
export function createMetadataService(): MetadataService {
  const agent = new KeepingAgent();
  const get: MetadataService['get'] = async (url, how) => {
    const first = open(url, how, agent);
    try {
      return await headOf(first, how);
    } catch (error) {
      if (!first.reusedSocket || !isBroken(error) || how.signal.aborted) throw error;
      return headOf(open(url, how, false), how);
    }
  };
  return {
    get,
    fetch: async (url, how) => {
      const answer = await get(url, how);
      return {
        status: answer.statusCode ?? 0,
        headers: { get: (name) => headerOf(answer, name) },
        readUpTo: (limit) => readUpTo(answer, limit),
        text: () => Promise.resolve(''),
      };
    },
    close: () => agent.destroy(),
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

  constructor() {
    super({ keepAlive: true, ...connections });
  }

  /** Is not to be kept. */
  refuse(socket: object): void {
    this.#unwanted.add(socket);
  }

  override getName(options?: ClientRequestArgs & Partial<About>): string {
    return `${super.getName(options)} ${options?.about ?? ''}`;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#unwanted.has(socket) || !keep.call(this, socket)) return false;
    this.#makeRoom();
    return true;
  }

  /** No more are kept for all identities together than for one: the oldest is closed. */
  #makeRoom(): void {
    const free = Object.values(this.freeSockets).flatMap((sockets) => sockets ?? []);
    const open = free.filter(({ destroyed }) => !destroyed);
    if (open.length >= connections.maxFreeSockets) open[0]?.destroy();
  }
}

interface About {
  readonly about: string;
}

/** All of the question but the resource. */
function aboutOf(url: string): string {
  const { pathname, searchParams } = new URL(url);
  searchParams.delete('resource');
  return `${pathname}?${searchParams.toString()}`;
}

function open(url: string, { headers }: Asking, agent: KeepingAgent | false): ClientRequest {
  const options: RequestOptions & About = { agent, headers, about: aboutOf(url) };
  return request(url, options).once('response', (answer) => {
    if (agent && !isUsual(answer)) agent.refuse(answer.socket);
  });
}

function isUsual({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && headers['content-type']?.startsWith('application/json') === true;
}

/** The signal ends the question and its answer. */
function headOf(question: ClientRequest, { signal }: Asking): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const end = () => question.destroy(new Error('the question was given up'));
  let isAnswered = false;
  question
    .on('response', (answer) => {
      isAnswered = true;
      resolve(answer);
    })
    .on('error', reject)
    // An answer that switches protocols closes the connection, and is neither a response nor an error.
    .once('close', () => {
      signal.removeEventListener('abort', end);
      if (!isAnswered) reject(new Error('the connection was closed before an answer came'));
    });
  if (signal.aborted) end();
  else signal.addEventListener('abort', end);
  question.end();
  return promise;
}

function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function headerOf(answer: IncomingMessage, name: string): string | null {
  const value = answer.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : null;
}
