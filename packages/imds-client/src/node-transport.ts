// The one file that uses node:http and node:net. They are loaded at the first request: an import costs programs that ask for no token nothing.
// They are not imported: the import of node:http also runs its getters, of which one loads the client of `fetch` in Node 24.
import type { Agent, ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { onAbort } from './single-flight.ts';
import type { FetchInit, FetchLike, FetchResponse } from './types.ts';

type Open = (url: string, headers: Readonly<Record<string, string>>) => ClientRequest;

/**
 * The default transport. It has an agent of its own, so it never uses a proxy: agents of the runtime may be led through one, and the token of a
 * proxy would be believed. A connection serves one request: a token is needed once in hours, and nothing that arrives late can be taken
 * for the response to another request. Bodies are not decompressed, and redirects are not followed.
 *
 * @throws TypeError - the runtime has no node:http
 */
export function createNodeTransport(endpoint: string): FetchLike {
  const { process: own } = globalThis as { process?: Partial<NodeJS.Process> };
  if (typeof own?.getBuiltinModule !== 'function') {
    throw new TypeError('this runtime has no node:http: give a transport, such as fetch');
  }
  let opening: Open | undefined;
  return async (url, init) => {
    opening ??= createOpening(new URL(endpoint).protocol === 'https:');
    init.signal.throwIfAborted();
    return responseTo(opening(url, init.headers), init);
  };
}

/** What node:net and node:tls have in common. */
interface Sockets {
  connect(to: { readonly host: string; readonly port: number; readonly servername: string }): Socket;
}

type Target = ClientRequestArgs & { readonly servername?: string };

function createOpening(isSecure: boolean): Open {
  const http = process.getBuiltinModule(isSecure ? 'node:https' : 'node:http');
  const sockets: Sockets = process.getBuiltinModule(isSecure ? 'node:tls' : 'node:net');
  const agent: Agent = new http.Agent();
  // Deno leads even requests with an agent of their own through HTTP_PROXY, but not connections of node:net.
  agent.createConnection = ({ host, port, servername = '' }: Target) => {
    const socket = sockets.connect({ host: host ?? 'localhost', port: Number(port), servername });
    // The deadline of the call keeps the program alive while somebody waits (timers.ts).
    return socket.unref();
  };
  return (url, given) =>
    http.request(url, { method: 'GET', agent, headers: { ...given, Connection: 'close' } });
}

function responseTo(request: ClientRequest, { signal }: FetchInit): Promise<FetchResponse> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => void request.destroy(signal.reason as Error));
    request
      .on('response', (response) => resolve(asResponse(response)))
      // Also after the response: an error without a listener would end the program.
      .on('error', reject)
      .on('close', () => {
        forget();
        // After the response this changes nothing.
        reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
      })
      .end();
  });
}

function asResponse(response: IncomingMessage): FetchResponse {
  // An error of the response that nobody reads yet would end the program.
  response.on('error', () => undefined);
  return {
    status: response.statusCode ?? 0,
    headers: {
      get(name) {
        const value = response.headers[name];
        return typeof value === 'string' ? value : null;
      },
    },
    body: bytesOf(response),
  };
}

async function* bytesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  yield* response as AsyncIterable<Uint8Array>;
  if (!response.complete) throw Object.assign(new Error('the response ended early'), { code: 'ECONNRESET' });
}
