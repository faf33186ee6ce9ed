import type { ClientRequest } from 'node:http';
import { Agent } from 'node:https';
import { readUpTo, RecentMap, withDeadline, type Clock } from '@pod-identity/kit/core';
import { openRequest, type HttpRequest, type Ambient } from '@pod-identity/kit/serve';
import type { RosterEntry } from '../../broker/roster/entry.ts';
import {
  readResponse,
  requestBody,
  tokenPath,
  type BrokerRequest,
  type BrokerResponse,
} from '../../broker/wire.ts';

export interface BrokerClientOptions extends Pick<Ambient, 'clock' | 'random'> {
  readonly replicas: () => Promise<readonly RosterEntry[]>;
  /** NMI's own token. */
  readonly readToken: () => Promise<string>;
}

export type BrokerClient = ReturnType<typeof createBrokerClient>;

/** For TCP and TLS: a replica whose node is gone does not refuse. */
const connectMs = 3_000;
/** For all of it: the broker waits for the API server and for Entra. */
const responseMs = 15_000;
const longestBody = 64 * 1024;
/** A replica that could not be reached is dialled last for so long. */
const failedMs = 30_000;
/** Connections are kept for a burst of requests: between those, thousands of nodes hold none. */
const connections = { keepAlive: true, maxFreeSockets: 2, timeout: 5_000 };

interface Sent {
  readonly token: string;
  readonly body: string;
}

/**
 * Dials the replicas that the ConfigMap names, in random order; the next one if a connection fails, since a request can be repeated. A
 * replica is known by its certificate alone: no name, authority or proxy of the environment has a part in it. Follows no redirect.
 */
export function createBrokerClient(options: BrokerClientOptions) {
  const { replicas, readToken, clock } = options;
  // A resumed session would not be checked. Kept connections are found by address, port and certificate.
  const agent = new Agent({ ...connections, maxCachedSessions: 0, rejectUnauthorized: true });
  const failures = createFailedReplicas(options);

  const firstOf = async (sent: Sent, signal: AbortSignal): Promise<BrokerResponse> => {
    let problem: unknown = new Error('no replica of the broker is known');
    for (const replica of failures.lastOf(await replicas())) {
      if (signal.aborted) break;
      try {
        const response = await dial(replica, sent, { agent, clock, signal });
        if (response?.kind === 'token' || (response && response.code !== 'not_ready')) return response;
        problem = new Error(response?.message ?? 'the response is not one of a broker');
      } catch (error) {
        problem = error;
      }
      failures.note(replica);
    }
    throw problem;
  };

  return {
    /** Fails if no replica gave a response that a broker writes. */
    async request(request: BrokerRequest): Promise<BrokerResponse> {
      const sent = { token: await readToken(), body: requestBody(request) };
      return withDeadline({ clock, ms: responseMs, awaited: 'response of the broker' }, (signal) =>
        firstOf(sent, signal),
      );
    },
    close: () => agent.destroy(),
  };
}

/** Undefined for a response that no broker writes. */
async function dial(
  replica: RosterEntry,
  sent: Sent,
  { agent, clock, signal }: { agent: Agent; clock: Clock; signal: AbortSignal },
): Promise<BrokerResponse | undefined> {
  const { request, response } = openRequest({ ...targetOf(replica, sent), agent, signal });
  const tooLate = () => request.destroy(new Error(`it accepted no connection in ${connectMs / 1000} s`));
  const connecting = clock.after(connectMs, tooLate);
  onConnected(request, () => connecting.cancel());
  try {
    const { statusCode: status = 0, headers } = await response;
    const body = await readUpTo(await response, longestBody);
    return readResponse({ status, retryAfter: headers['retry-after'], body: String(body ?? '') });
  } finally {
    connecting.cancel();
    request.destroy();
  }
}

function targetOf(
  { address, port, certificates }: RosterEntry,
  { token, body }: Sent,
): Omit<HttpRequest, 'signal'> {
  return {
    protocol: 'https:',
    host: address,
    port,
    servername: '',
    method: 'POST',
    path: tokenPath,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    },
    body,
    ca: [...certificates],
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_, { raw }) =>
      certificates.some((pem) => derOf(pem).equals(raw))
        ? undefined
        : new Error('its certificate is none of those in the ConfigMap'),
  };
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
}

function onConnected(opened: ClientRequest, listener: () => void): void {
  opened.once('socket', (socket) => {
    if (opened.reusedSocket) listener();
    else socket.once('secureConnect', listener);
  });
}

function createFailedReplicas({ clock, random }: BrokerClientOptions) {
  const failedAt = new RecentMap<string, number>(64);
  const hasFailed = ({ uid }: RosterEntry) => clock.elapsed() - (failedAt.get(uid) ?? -Infinity) < failedMs;
  return {
    note: ({ uid }: RosterEntry) => void failedAt.set(uid, clock.elapsed()),
    /** In random order, with those that have failed at the end. */
    lastOf: (replicas: readonly RosterEntry[]): readonly RosterEntry[] =>
      replicas
        .map((replica) => ({ replica, at: random() + (hasFailed(replica) ? 1 : 0) }))
        .sort((one, other) => one.at - other.at)
        .map(({ replica }) => replica),
  };
}
