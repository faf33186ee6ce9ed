import type { IncomingMessage, ServerResponse } from 'node:http';
import { readUpTo, type Clock, type LimitEffect } from '@pod-identity/kit/core';
import { createGuardedServer, type OwnTls } from '@pod-identity/kit/serve';
import type { Broker } from './broker.ts';
import { refused } from './judge.ts';
import { httpResponse, longestRequest, tokenPath, type BrokerResponse } from '../broker/wire.ts';

export interface BrokerServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls: OwnTls;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly onLimited: (effect: LimitEffect, peer: string) => void;
  readonly onResponse: (response: BrokerResponse) => void;
  readonly onCrash: (error: unknown) => void;
}

export interface BrokerServer {
  readonly port: number;
  /** From now on new connections get this certificate. */
  readonly renew: (tls: OwnTls) => void;
  /** Accepts no new connections and closes the others when their requests are answered, or after this time. */
  close(graceMs: number): Promise<void>;
}

/** Tokens of NMI have at most 3 KiB. Whatever a request has stays in memory while the review of its token waits. */
const longestHead = 4 * 1024;
/** An NMI has few connections, which stay open; two NMIs of a node during an update. A handshake takes a millisecond of processor time. */
const limits = { requestsPerSecond: 50, connectionCost: 25, connections: 1_024 };

const tooFast = refused('too_many_requests', 'This address requests too much.');
const elsewhere = refused('invalid_request', `Tokens are requested with POST at ${tokenPath}.`);
const tooLong = refused('invalid_request', `A request has at most ${longestRequest} bytes.`);
const crashed = refused('exchange_failed', 'The broker failed; its log has the reason.');

export async function startBrokerServer(options: BrokerServerOptions): Promise<BrokerServer> {
  const { clock, tls, onLimited } = options;
  const { listen, renew, close } = createGuardedServer({
    ...limits,
    longestHead,
    clock,
    tls,
    onLimited,
    describe: () => undefined,
    handle: (message, response, { peer }) => void reply(options, { message, response, peer }),
    refuse: (response) => write(response, tooFast, true),
  });
  return { port: await listen({ port: options.port }), renew, close };
}

interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly peer: string;
}

async function reply(options: BrokerServerOptions, { message, response, peer }: Exchange): Promise<void> {
  const problem = problemOf(message);
  if (problem) {
    write(response, problem, true);
    return;
  }
  const gone = new AbortController();
  response.once('close', () => {
    // A token that is renewed on the side goes on after the response.
    if (!response.writableFinished) gone.abort();
  });
  try {
    const body = await readUpTo(message, longestRequest);
    // The connection is closed then.
    if (!body) return;
    const token = /^Bearer ([\w.-]+)$/.exec(message.headers.authorization ?? '')?.[1] ?? '';
    const call = { token, body: body.toString('utf8'), peer, gone: gone.signal };
    const given = await options.broker.respond(call);
    options.onResponse(given);
    write(response, given, false);
  } catch (error) {
    if (response.destroyed) return;
    options.onCrash(error);
    write(response, crashed, true);
  }
}

function problemOf({ method, url, headers }: IncomingMessage): BrokerResponse | undefined {
  if (method !== 'POST' || url !== tokenPath) return elsewhere;
  return Number(headers['content-length']) > longestRequest ? tooLong : undefined;
}

function write(response: ServerResponse, given: BrokerResponse, isLast: boolean): void {
  const { status, retryAfter, body } = httpResponse(given);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    ...(isLast && { connection: 'close' }),
  });
  response.end(body);
}
