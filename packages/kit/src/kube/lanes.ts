import type { ConnectionOptions } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';

/** Ordinary calls share a few connections; watches and leases never queue behind them. */
export type Lane = 'calls' | 'express';

export type TlsSettings = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;

export interface Lanes {
  dispatcher(lane: Lane, tls: TlsSettings): Dispatcher;
  close(): Promise<void>;
}

const callConnections = 16;

/** Kept-alive connections. Other TLS settings than the last (the same object means the same) get new ones. */
export function createLanes(): Lanes {
  let current: { readonly tls: TlsSettings; readonly agents: Record<Lane, Agent> } | undefined;

  return {
    dispatcher(lane, tls) {
      if (current?.tls !== tls) {
        // The old agents finish what they carry, watches included, and then close.
        if (current) void Promise.all(Object.values(current.agents).map((agent) => agent.close()));
        current = {
          tls,
          agents: { calls: createAgent(tls, callConnections), express: createAgent(tls, null) },
        };
      }
      return current.agents[lane];
    },
    async close() {
      const agents = Object.values(current?.agents ?? {});
      current = undefined;
      await Promise.all(agents.map((agent) => agent.destroy()));
    },
  };
}

function createAgent(tls: TlsSettings, connections: number | null): Agent {
  return new Agent({
    connections,
    allowH2: false,
    // Half-open connections are found by the system's probes as well as by our watchdog.
    connect: { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 },
    // The API server keeps an idle connection for longer than this, so we are the ones to hang up.
    keepAliveTimeout: 60_000,
    // Each request has its own watchdog.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
