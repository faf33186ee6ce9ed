// Fuzzes NMI from a request to its response: nothing that a caller sends is told to be a failure of NMI.
// `POD_IDENTITY_FUZZ_REQUESTS` sets how many requests are sent, `POD_IDENTITY_FUZZ_SEED` which.
import { connect } from 'node:net';
import { systemClock } from '@pod-identity/kit/serve';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTarget } from '../../src/request/request-target.ts';
import type { InboundRequest, OutboundResponse } from '../../src/request/wire.ts';
import { startServer, type RunningServer } from '../../src/server/server.ts';
import { connection } from '../builders.ts';
import { createChance, seed } from './chance.ts';
import { createRequestStage, type RequestStage } from './request-stage.ts';
import { drawRequest, type RawRequest } from './request-values.ts';

const requests = Number(process.env['POD_IDENTITY_FUZZ_REQUESTS'] ?? 100_000);
const overSockets = requests / 20;
/** Requests or connections at a time. */
const together = 64;

/** As Node reads a head; repeated headers are joined. */
function asInbound({ peer, method, target: url, lines }: RawRequest): InboundRequest {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const { target, authority } = readTarget(url);
  return {
    method,
    target,
    authority,
    headers,
    peer,
    receivedAt: systemClock.elapsed(),
    connection: connection(),
    get gone() {
      return new AbortController().signal;
    },
  };
}

/** The response; a text says why there is none. */
async function answerOf({ app, crashes }: RequestStage, raw: RawRequest): Promise<OutboundResponse | string> {
  try {
    const response = await app.respond(asInbound(raw));
    return crashes.length === 0 ? response : String(crashes[0]);
  } catch (error) {
    return `the response was not made: ${String(error)}`;
  }
}

/** Node refuses to send others. */
const sendable = /^[\t\x20-\x7e]*$/;
/** Its length in characters is sent as its length in bytes. */
const ascii = /^\p{ASCII}*$/u;

/** What is wrong with a response; undefined: nothing. */
function faultOf(response: OutboundResponse | string): string | undefined {
  if (typeof response === 'string') return response;
  const { status, headers, body } = response;
  if (status < 200 || status > 599) return `status ${status}`;
  if (!sendable.test(Object.values(headers).join(''))) return `headers ${JSON.stringify(headers)}`;
  if (typeof body !== 'string') return undefined;
  if (!ascii.test(body)) return `body ${body}`;
  if (headers['Content-Type'] === 'application/json') JSON.parse(body);
  return undefined;
}

it(`of ${requests} requests with mistakes in any part none makes NMI fail`, async () => {
  const stage = createRequestStage();
  const chance = createChance(seed);
  for (let sent = 0; sent < requests; sent += together) {
    const drawn = Array.from({ length: together }, () => drawRequest(chance));
    const responses = await Promise.all(drawn.map((raw) => answerOf(stage, raw)));
    for (const [at, response] of responses.entries()) {
      const fault = faultOf(response);
      if (fault !== undefined)
        expect.fail(`seed ${seed}, request ${sent + at}: ${JSON.stringify(drawn[at])}: ${fault}`);
    }
  }
  // The fuzzing is worth its time only while much of it gets far.
  const seen = (reason: string) => stage.reasons.get(reason) ?? 0;
  expect(seen('none')).toBeGreaterThan(requests / 40);
  expect(seen('malformed-parameter')).toBeGreaterThan(requests / 40);
  expect(stage.asked.metadata).toBeGreaterThan(requests / 100);
  expect(stage.asked.entra).toBeGreaterThan(requests / 300);
}, 3_600_000);

let stage: RequestStage;
let server: RunningServer;
beforeAll(async () => {
  stage = createRequestStage();
  server = await startServer({ host: '127.0.0.1', port: 0, app: stage.app, clock: systemClock });
});
afterAll(() => server.close(0));

/** All that comes back over one connection. */
function send(peer: string, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: '127.0.0.1', port: server.port, localAddress: peer });
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  // The server may cut a caller off in the middle of its nonsense.
  socket.on('error', () => undefined).on('close', () => resolve(text));
  socket.end(bytes, 'latin1');
  return promise;
}

const bytesOf = ({ method, target, lines }: RawRequest) =>
  `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;

it(`of ${overSockets} requests as bytes over real connections none makes NMI fail, and it lives on`, async () => {
  const chance = createChance(seed);
  let answered = 0;
  for (let sent = 0; sent < overSockets; sent += together) {
    const drawn = Array.from({ length: together }, () => drawRequest(chance));
    const answers = await Promise.all(drawn.map((raw) => send(raw.peer, bytesOf(raw))));
    for (const [at, text] of answers.entries()) {
      if (/^HTTP\/1\.1 \d{3} /.test(text)) answered += 1;
      if (text.includes('HTTP/1.1 500 ') || stage.crashes.length > 0)
        expect.fail(
          `seed ${seed}, request ${sent + at}: ${JSON.stringify(drawn[at])}: ${text} ${String(stage.crashes[0])}`,
        );
    }
  }
  expect(answered).toBeGreaterThan(overSockets * 0.9);
  const honest =
    'GET /metadata/identity/oauth2/token?resource=https://vault.azure.net HTTP/1.1\r\nMetadata: true\r\nHost: localhost\r\n\r\n';
  expect(await send('127.0.0.2', honest)).toMatch(/^HTTP\/1\.1 200 /);
}, 3_600_000);
