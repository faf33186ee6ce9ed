import * as http from 'node:http';
import * as https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { openRequest } from '../serve/http-client.ts';
import type { ProxyEnv } from './proxy.ts';

/**
 * Ordinary calls share a few connections, in order of arrival. Watches, leases and the requests of callers that limit themselves have others:
 * there, nothing waits for a connection.
 */
export type PoolName = 'calls' | 'express';

export type TlsSettings = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;

interface Sending {
  readonly pool: PoolName;
  readonly tls: TlsSettings;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export type ConnectionPools = ReturnType<typeof createConnectionPools>;

const callConnections = 16;

/** Kept-alive connections to a server. A new object of TLS settings gets new connections. */
export function createConnectionPools(server: URL, proxyEnv?: ProxyEnv) {
  const address = addressOf(server);
  const open = { isSecure: address.protocol === 'https:', proxyEnv };
  const underWay = new Set<http.ClientRequest>();
  let current: { readonly tls: TlsSettings; readonly agents: Record<PoolName, http.Agent> } | undefined;
  let isClosed = false;

  const agentFor = (pool: PoolName, tls: TlsSettings): http.Agent => {
    if (current?.tls !== tls) {
      if (current) Object.values(current.agents).forEach(retire);
      const calls = createAgent(open, tls, callConnections);
      current = { tls, agents: { calls, express: createAgent(open, tls, Infinity) } };
    }
    return current.agents[pool];
  };

  return {
    /** Resolves with the response headers. */
    send(path: string, { pool, tls, ...sending }: Sending): Promise<http.IncomingMessage> {
      const target = { ...address, path: address.path + path, agent: agentFor(pool, tls) };
      const { request, response } = openRequest({ ...target, ...sending });
      underWay.add(request);
      request.once('close', () => underWay.delete(request));
      if (isClosed) request.destroy(new Error('the transport is closed'));
      return response;
    },
    /** Also ends running requests. */
    close(): Promise<void> {
      isClosed = true;
      for (const request of underWay) request.destroy(new Error('the transport is closed'));
      for (const agent of Object.values(current?.agents ?? {})) agent.destroy();
      return Promise.resolve();
    },
  };
}

/** Parsed once: parsing takes a tenth of the time of a small request. */
function addressOf(server: URL) {
  const { protocol, hostname, port, auth } = urlToHttpOptions(server);
  return { protocol, hostname, port, ...(auth && { auth }), path: server.pathname.replace(/\/$/, '') };
}

/** Lets running requests, watches included, finish and closes connections afterwards. */
function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

interface Opening {
  readonly isSecure: boolean;
  readonly proxyEnv: ProxyEnv | undefined;
}

function createAgent({ isSecure, proxyEnv }: Opening, tls: TlsSettings, maxSockets: number): http.Agent {
  const settings = {
    keepAlive: true,
    maxSockets,
    // TCP keep-alive: Node.js then probes each second, and ends the connection after ten without a response.
    keepAliveMsecs: 15_000,
    // For idle connections. Shorter than the API server's timeout, so that the client closes first.
    timeout: 60_000,
    ...(proxyEnv && { proxyEnv }),
  };
  return isSecure ? new https.Agent({ ...settings, ...tls }) : new http.Agent(settings);
}
