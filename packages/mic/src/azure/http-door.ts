// The one way from MIC to ARM and to the metadata service: over node:http and node:https, like the API server. undici or
// `fetch` would be another HTTP client in memory, 13 to 14 MiB each. No redirect is followed.
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { FetchLike } from '@pod-identity/imds-client';
import { readUpTo } from '@pod-identity/kit/core';

export interface HttpQuestion {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends the question, and its answer too while that is read. */
  readonly signal: AbortSignal;
}

export interface HttpDoor {
  /** Resolves when the headers are there; who gets the answer reads it, or destroys it. */
  send(url: URL, question: HttpQuestion): Promise<http.IncomingMessage>;
  /** Cuts what is under way. */
  close(): void;
}

/** An idle connection is closed after `timeout`, or sooner where the server announces that it closes it sooner. */
const keeping = { keepAlive: true, maxSockets: 32, timeout: 4_000 };

/** Kept-alive connections, a few for each server. */
export function createHttpDoor(): HttpDoor {
  const plain = new http.Agent(keeping);
  const secure = new https.Agent(keeping);
  return {
    send: (url, question) => send(url, question, url.protocol === 'https:' ? secure : plain),
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

/** In the shape of `fetch`, each question over a connection of its own: MIC asks for a token once in hours. */
export const fetchOnce: FetchLike = async (url, how) => {
  const answer = await send(new URL(url), how, false);
  return {
    status: answer.statusCode ?? 0,
    headers: { get: (name) => headerOf(answer, name) ?? null },
    readUpTo: (limit) => readUpTo(answer, limit),
    text: () => Promise.resolve(''),
  };
};

function headerOf({ headers }: http.IncomingMessage, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : value?.[0];
}

function send(
  url: URL,
  { method, headers, body, signal }: HttpQuestion,
  agent: http.Agent | false,
): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  signal.throwIfAborted();
  const { request } = url.protocol === 'https:' ? https : http;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const question = request(url, { method, agent, headers: { ...headers, ...length } });
  const end = () => {
    // By itself, a question that waits for a connection fails only once it gets one.
    reject(signal.reason as Error);
    question.destroy(signal.reason as Error);
  };
  signal.addEventListener('abort', end, { once: true });
  question.once('response', resolve);
  // For good: it may break after the answer has begun, too; whoever reads that is told as well.
  question.on('error', reject);
  question.once('socket', hearErrors);
  // An answer that switches protocols closes the connection, and is neither a response nor an error.
  question.once('close', () => {
    signal.removeEventListener('abort', end);
    reject(new Error('the connection was closed before the answer came'));
  });
  question.end(body);
  return promise;
}

/**
 * Between the last byte of an answer and its last reader nobody listens to the connection, and an error that nobody hears
 * ends the process.
 */
function hearErrors(socket: Socket): void {
  if (!heard.has(socket)) socket.on('error', () => undefined);
  heard.add(socket);
}

const heard = new WeakSet<Socket>();
