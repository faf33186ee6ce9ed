// Servers that send one fixed response to every token request, with the status, headers and body of NMI's own code, at once:
// they show how clients react to a response, without NMI's waits.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

interface TimedCall {
  readonly askedAt: number;
  readonly answeredAt: number;
}

export interface FixedServer {
  readonly url: string;
  readonly calls: readonly TimedCall[];
  /** Its Retry-After, in seconds. */
  readonly retryAfter: number | undefined;
  /** Resolves with the first request. */
  readonly asked: Promise<unknown>;
  close(): void;
}

/** Keeps idle connections: a client counts a request on a connection that is just being closed as an attempt. */
const longestPauseMs = 300_000;

export async function openFixedServer(fixed: FixedResponse): Promise<FixedServer> {
  const response = respond(outcomeOf(fixed), { nowMs: 0, notAssignedStatus: 404, random: () => 0.5 });
  if (response.status !== fixed.status)
    throw new Error(`NMI answers ${response.status}, not ${fixed.status}`);
  const { 'Retry-After': chosen, ...others } = response.headers;
  const hasRetryAfter = chosen !== undefined && fixed.again !== 'none';
  const headers = hasRetryAfter ? { ...others, 'Retry-After': chosen } : others;
  const calls: TimedCall[] = [];
  const asked = Promise.withResolvers<true>();
  const server = createServer({ keepAliveTimeout: longestPauseMs }, (_, answer) => {
    const askedAt = performance.now();
    answer.writeHead(response.status, response.reason, headers).end(response.body);
    calls.push({ askedAt, answeredAt: performance.now() });
    asked.resolve(true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    retryAfter: hasRetryAfter ? Number(chosen) : undefined,
    asked: asked.promise,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
