// Servers that send one fixed response to every token request, with the status, headers and body of NMI's own code, at once:
// they show how clients react to a response, without NMI's waits.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { whyOneAddress } from '@pod-identity/kit/testing';
import { respond } from '../../../packages/nmi/src/respond/respond.ts';
import type { Outcome } from '../../../packages/nmi/src/respond/outcome.ts';
import type { TokenErrorCode } from '../../../packages/nmi/src/tokens/errors.ts';

export type FixedStatus = 400 | 403 | 404 | 410 | 429 | 500 | 502 | 503 | 504;

/**
 * The Retry-After: the middle of NMI's range if Azure sent none, a time of Azure,
 * or none, which NMI never sends.
 */
export type Again = 'chosen' | 'given' | 'none';

export interface FixedResponse {
  readonly status: FixedStatus;
  readonly again: Again;
}

/** Azure's Retry-After, in seconds. */
const givenSeconds = 4;

const pod = 'default/web';
const reason = 'this is what Azure said';

/** NMI's description, which the user has to see. */
export const reasonOf = (status: FixedStatus): string =>
  status === 400
    ? 'No AzureIdentityBinding has the selector'
    : status === 404
      ? 'is not assigned to its node yet'
      : reason;

function failed(why: TokenErrorCode, { status, again }: FixedResponse): Outcome {
  const description = reason;
  const retryAfterMs = again === 'given' ? givenSeconds * 1000 : undefined;
  return { kind: 'token-failed', pod, why, status, description, retryAfterMs };
}

function outcomeOf(fixed: FixedResponse): Outcome {
  switch (fixed.status) {
    case 400:
      return { kind: 'denied', pod, denial: { why: 'no-binding', label: 'demo' } };
    case 403:
      return failed('denied', fixed);
    case 404:
      return { kind: 'not-assigned', pod, identity: 'default/reader', seen: 'unattached' };
    case 410:
      return failed('updating', fixed);
    case 429:
      return failed('throttled', fixed);
    case 500:
    case 502:
    case 503:
    case 504:
      return failed('unavailable', fixed);
  }
}

export interface FixedServer {
  readonly url: string;
  /** When each request came, in milliseconds: taken before its response is sent, since this process may have to wait for a core afterwards. */
  readonly calls: readonly number[];
  /** Its Retry-After, in seconds. */
  readonly retryAfter: number | undefined;
  /** Resolves with the first request. */
  readonly asked: Promise<unknown>;
  close(): void;
}

/** Keeps idle connections: a client counts a request on a connection that is just being closed as an attempt. */
const longestPauseMs = 300_000;

/**
 * An address that no other program uses: at 127.0.0.1 the server could get the port of one that has ended, whose callers still send
 * requests there. Those would be counted as the client's.
 */
const ownAddress = (): string =>
  whyOneAddress() === undefined
    ? `127.${randomInt(2, 255)}.${randomInt(256)}.${randomInt(1, 255)}`
    : '127.0.0.1';

export async function openFixedServer(fixed: FixedResponse): Promise<FixedServer> {
  const response = respond(outcomeOf(fixed), { nowMs: 0, notAssignedStatus: 404, random: () => 0.5 });
  if (response.status !== fixed.status)
    throw new Error(`NMI answers ${response.status}, not ${fixed.status}`);
  const { 'Retry-After': chosen, ...others } = response.headers;
  const hasRetryAfter = chosen !== undefined && fixed.again !== 'none';
  const headers = hasRetryAfter ? { ...others, 'Retry-After': chosen } : others;
  const calls: number[] = [];
  const asked = Promise.withResolvers<true>();
  const server = createServer({ keepAliveTimeout: longestPauseMs }, (_, answer) => {
    calls.push(performance.now());
    answer.writeHead(response.status, response.reason, headers).end(response.body);
    asked.resolve(true);
  });
  const host = ownAddress();
  server.listen(0, host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    calls,
    retryAfter: hasRetryAfter ? Number(chosen) : undefined,
    asked: asked.promise,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
