// HTTP client for ARM and the metadata service, over node:http and node:https, like that for the API server: undici or `fetch` would take
// another 13 to 14 MiB of memory. Follows no redirects.
import * as http from 'node:http';
import * as https from 'node:https';
import type { FetchLike } from '@pod-identity/imds-client';
import { readUpTo } from '@pod-identity/kit/core';
import { responseOf } from '@pod-identity/kit/serve';

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends the request, and reading its response. */
  readonly signal: AbortSignal;
}

export interface HttpClient {
  /** Resolves with the response headers; the caller must read or destroy the body. */
  send(url: URL, request: HttpRequest): Promise<http.IncomingMessage>;
  /** Ends running and waiting requests. */
  close(): void;
}

/** An idle connection is closed after `timeout`, or earlier if the server announces it. */
const keeping = { keepAlive: true, maxSockets: 32, timeout: 4_000 };

export function createHttpClient(): HttpClient {
  const plain = new http.Agent(keeping);
  const secure = new https.Agent(keeping);
  const closing = new AbortController();
  return {
    send(url, request) {
      const signal = AbortSignal.any([request.signal, closing.signal]);
      return send(url, { ...request, signal }, url.protocol === 'https:' ? secure : plain);
    },
    close() {
      closing.abort(new Error('the connections to Azure are closed'));
      plain.destroy();
      secure.destroy();
    },
  };
}

/** With the signature of `fetch`; each request has its own connection, since MIC requests a token once in hours. */
export const fetchOnce: FetchLike = async (url, how) => {
  const response = await send(new URL(url), how, false);
  return {
    status: response.statusCode ?? 0,
    headers: { get: (name) => headerOf(response.headers, name.toLowerCase()) ?? null },
    readUpTo: (limit) => readUpTo(response, limit),
  };
};

/** `name` in lower case; the first of several values. */
export function headerOf(headers: http.IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function send(
  url: URL,
  { method, headers, body, signal }: HttpRequest,
  agent: http.Agent | false,
): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const clientRequest = request(url, { method, agent, headers: { ...headers, ...length } });
  const response = responseOf(clientRequest, signal);
  clientRequest.end(body);
  return response;
}
