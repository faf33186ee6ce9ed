import * as http from 'node:http';
import * as https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { urlToHttpOptions } from 'node:url';
import { responseOf } from '../serve/response-of.ts';

/** Ordinary calls share a few connections; watches and leases never queue behind them. */
export type Lane = 'calls' | 'express';

export type TlsSettings = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;

export interface Sending {
  readonly lane: Lane;
  readonly tls: TlsSettings;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export interface Lanes {
  /** Resolves when the headers are there. */
  send(path: string, sending: Sending): Promise<http.IncomingMessage>;
  /** Ends what is under way, too. */
  close(): Promise<void>;
}

const callConnections = 16;

/** Kept-alive connections to a server. Other TLS settings than the last (the same object means the same) get new ones. */
export function createLanes(server: URL): Lanes {
  const address = addressOf(server);
  const isSecure = address.protocol === 'https:';
  const underWay = new Set<http.ClientRequest>();
  let current: { readonly tls: TlsSettings; readonly agents: Record<Lane, http.Agent> } | undefined;
  let isClosed = false;

  const agentFor = (lane: Lane, tls: TlsSettings): http.Agent => {
    if (current?.tls !== tls) {
      if (current) Object.values(current.agents).forEach(retire);
      const calls = createAgent(isSecure, tls, callConnections);
      current = { tls, agents: { calls, express: createAgent(isSecure, tls, Infinity) } };
    }
    return current.agents[lane];
  };

  return {
    send(path, { lane, tls, body, headers, method, signal }) {
      const { request: open } = isSecure ? https : http;
      // Node tells the length of a DELETE's body only when it is told itself.
      const framed = body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) };
      const options = { method, headers: framed, agent: agentFor(lane, tls) };
      const request = open({ ...address, path: address.path + path, ...options });
      underWay.add(request);
      request.once('close', () => underWay.delete(request));
      const response = responseOf(request, signal);
      request.end(body);
      if (isClosed) request.destroy(new Error('the transport is closed'));
      return response;
    },
    close() {
      isClosed = true;
      for (const request of underWay) request.destroy(new Error('the transport is closed'));
      for (const agent of Object.values(current?.agents ?? {})) agent.destroy();
      return Promise.resolve();
    },
  };
}

/** Once for all requests: parsing a URL takes a tenth of the time of a small request. */
function addressOf(server: URL) {
  const { protocol, hostname, port, auth } = urlToHttpOptions(server);
  return { protocol, hostname, port, ...(auth && { auth }), path: server.pathname.replace(/\/$/, '') };
}

/** Finishes what it carries, watches included, and keeps no connection afterwards. */
function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

function createAgent(isSecure: boolean, tls: TlsSettings, maxSockets: number): http.Agent {
  const settings = {
    keepAlive: true,
    maxSockets,
    // Half-open connections are found by the system's probes as well as by our watchdog.
    keepAliveMsecs: 30_000,
    // Of idle connections only. The API server keeps one for longer than this, so we are the ones to hang up.
    timeout: 60_000,
  };
  return isSecure ? new https.Agent({ ...settings, ...tls }) : new http.Agent(settings);
}
