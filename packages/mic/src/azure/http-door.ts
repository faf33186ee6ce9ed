// The one way from MIC to ARM and to the metadata service: over node:http and node:https, like the API server. undici or
// `fetch` would be another HTTP client in memory, 13 to 14 MiB each. No redirect is followed.
import * as http from 'node:http';
import * as https from 'node:https';
import type { FetchLike } from '@pod-identity/imds-client';
import { readUpTo } from '@pod-identity/kit/core';
import { responseOf } from '@pod-identity/kit/serve';

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
  /** Ends what is under way and what waits for a connection. */
  close(): void;
}

/** An idle connection is closed after `timeout`, or sooner where the server announces that it closes it sooner. */
const keeping = { keepAlive: true, maxSockets: 32, timeout: 4_000 };

/** Kept-alive connections, a few for each server. */
export function createHttpDoor(): HttpDoor {
  const plain = new http.Agent(keeping);
  const secure = new https.Agent(keeping);
  const closing = new AbortController();
  return {
    send(url, question) {
      const signal = AbortSignal.any([question.signal, closing.signal]);
      return send(url, { ...question, signal }, url.protocol === 'https:' ? secure : plain);
    },
    close() {
      closing.abort(new Error('the connections to Azure are closed'));
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
    headers: { get: (name) => headerOf(answer.headers, name.toLowerCase()) ?? null },
    readUpTo: (limit) => readUpTo(answer, limit),
    text: () => Promise.resolve(''),
  };
};

/** `name` in lower case; the first value where there are several. */
export function headerOf(headers: http.IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function send(
  url: URL,
  { method, headers, body, signal }: HttpQuestion,
  agent: http.Agent | false,
): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const question = request(url, { method, agent, headers: { ...headers, ...length } });
  const answer = responseOf(question, signal);
  question.end(body);
  return answer;
}
