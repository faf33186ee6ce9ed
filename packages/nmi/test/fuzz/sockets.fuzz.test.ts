// Fuzzes the agent as a whole over real connections: whatever bytes a pod sends, the machine's metadata service is asked
// only what pods may ask.
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { App } from '../../src/request/wire.ts';
import { createCanaryHandler } from '../../src/handle/canary.ts';
import { createMetadataReader, type MetadataReader } from '../../src/handle/instance-metadata.ts';
import { createTokenHandler } from '../../src/handle/token.ts';
import { startServer, type RunningServer } from '../../src/server/server.ts';
import { createChance, seed, type Chance } from './chance.ts';
import { isHarmless } from './oracle.ts';
import { drawConnection, drawCuts } from './raw-requests.ts';

/** That the server reads as requests; what it does not comes on top. */
const requests = 100_000;
const connectionsAtOnce = 64;
const families = ['instance', 'versions'];

/** The machine's metadata service: takes down whatever it must never be asked. */
async function startUpstream() {
  const seen = { asked: 0, wrong: [] as string[] };
  const server = createServer((request, response) => {
    seen.asked += 1;
    const fault = faultOf(request);
    if (fault !== undefined) seen.wrong.push(fault);
    const body = JSON.stringify({ asked: request.url });
    response.writeHead(200, { 'Content-Type': 'application/json', 'X-Machine': 'secret' });
    response.end(body);
  });
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    // A caller that hangs up cuts off the question that was asked for it.
    if (error.code !== 'ECONNRESET') seen.wrong.push(`no HTTP: ${error.message}`);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The four headers are the proxy's own; everything else would be the caller's. */
const ownHeaders: ReadonlySet<string> = new Set(['host', 'connection', 'metadata']);

function faultOf({ method, url = '', rawHeaders, headers }: IncomingMessage): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const foreign = names.find((name) => !ownHeaders.has(name));
  if (method !== 'GET') return `${method} ${url}`;
  if (!isHarmless(url, families)) return `path ${url}`;
  if (foreign !== undefined || names.length !== new Set(names).size) return `header ${names.join()}`;
  if (headers['metadata'] !== 'true' || headers.host?.startsWith('127.0.0.1:') !== true)
    return 'its own headers';
  return JSON.stringify(rawHeaders).includes('smuggled') ? `smuggled ${rawHeaders.join()}` : undefined;
}

let upstream: Awaited<ReturnType<typeof startUpstream>>;
let proxy: MetadataReader;
let server: RunningServer;
const calls = { begun: 0, ended: 0 };
beforeAll(async () => {
  upstream = await startUpstream();
  const rules = { metadataHeaderRequired: true, allowedHosts: new Set<string>() };
  proxy = createMetadataReader({
    upstream: upstream.url,
    ...rules,
    allowed: new Set(families),
    read: (_, task) => task(),
    tenantAt: (address) => ({ namespace: 'default', pod: address }),
  });
  const app = createApp({
    proxy,
    canary: createCanaryHandler({ node: 'node-0', isOwnPod: () => false, ...rules }),
    token: createTokenHandler({
      ...rules,
      isOutdated: () => false,
      whenReady: () => true,
      callers: { find: () => ({ kind: 'none' }) },
      uidAt: () => undefined,
      hasStopped: () => false,
      holdMs: 0,
      granter: { grant: () => Promise.reject(new Error('nobody is granted anything here')) },
    }),
    hostToken: { handle: () => Promise.resolve({ kind: 'nowhere', why: 'unknown' }) },
    notAssignedStatus: 503,
    compatErrors: 'off',
    setsRetryAfter: false,
    mode: 'standard',
    exactErrors: false,
    random: () => 0,
    clock: systemClock,
    onSent: () => undefined,
    log: createLog({ component: 'nmi', destination: { write: () => undefined } }),
  });
  server = await startServer({ host: '127.0.0.1', port: 0, app: counted(app), clock: systemClock });
});
afterAll(async () => {
  await server.close(0);
  proxy.close();
  upstream.close();
});

const counted = (app: App): App => ({
  respond: async (request) => {
    calls.begun += 1;
    const response = await app.respond(request);
    calls.ended += 1;
    return response;
  },
});

/** A connection with all its bytes written, some of them in pieces that arrive one by one. */
async function write(
  parts: readonly (readonly string[])[],
  chance: Chance,
): Promise<{ socket: Socket; closed: Promise<string> }> {
  const socket = connect({ host: '127.0.0.1', port: server.port, noDelay: true });
  let text = '';
  let heard = (): void => undefined;
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
    heard();
  });
  // The server may cut a caller off in the middle of its nonsense.
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  const answered = (count: number) =>
    new Promise<void>((resolve) => {
      heard = () => {
        if (text.split(/HTTP\/1\.1 \d{3} /).length > count) resolve();
      };
      heard();
    });
  // Drawn before anything is waited for: the seed alone says what is sent.
  const drawn = parts.map((part) => ({ part, cuts: drawCuts(part.join('').length, chance) }));
  let sent = 0;
  for (const { part, cuts } of drawn) {
    await Promise.race([answered(sent), closed]);
    await writeCut(socket, part.join(''), cuts);
    sent += part.length;
  }
  return { socket, closed };
}

async function writeCut(socket: Socket, raw: string, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const cut of cuts) {
    socket.write(raw.slice(from, cut), 'latin1');
    from = cut;
    await new Promise(setImmediate);
  }
  socket.write(raw.slice(from), 'latin1');
}

/** What a well-behaved pod is answered meanwhile. */
function askWell(number: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: server.port, path: `/metadata/instance?good=${number}` };
    const request = httpRequest({ ...target, headers: { Metadata: 'true' }, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
    });
    request.on('error', reject);
    request.end();
  });
}

/**
 * Many connections at a time. When the good request is answered, theirs were read and, as far as they are whole, answered:
 * then they hang up, and the server must release each of them.
 */
async function playRound(round: number, chance: Chance): Promise<number> {
  const drawn = Array.from({ length: connectionsAtOnce }, () => drawConnection(chance));
  const open = await Promise.all(drawn.map((parts) => write(parts, chance)));
  expect(await askWell(round)).toBe(`200 {"asked":"/metadata/instance?good=${round}"}`);
  for (const { socket } of open) socket.end();
  const answers = await Promise.all(open.map(({ closed }) => closed));
  for (const text of answers) if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 \d{3} /);
  expect(answers.join('').toLowerCase()).not.toMatch(/x-machine|access_token/);
  expect(answers.join('')).not.toContain('HTTP/1.1 500 ');
  return drawn.flat().length;
}

it(`item 12: of ${requests} raw requests over real connections none reaches what pods may not ask, and the agent lives on`, async () => {
  const chance = createChance(seed);
  let sent = 0;
  for (let round = 0; calls.begun < requests; round += 1) {
    sent += await playRound(round, chance);
    const wrong = upstream.seen.wrong.slice(0, 5).join('\n');
    if (wrong !== '') expect.fail(`seed ${seed}, round ${round}: upstream was asked\n${wrong}`);
  }
  expect(calls.ended).toBe(calls.begun);
  // The fuzzing is worth its time only while much of it is read, and much of that goes upstream.
  expect(sent).toBeLessThan(requests * 2);
  expect(upstream.seen.asked).toBeGreaterThan(requests / 20);
}, 600_000);
