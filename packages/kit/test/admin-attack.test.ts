// Attacks of callers that reach an admin port, on the port and on the process.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createLog, startAdminServer, type AdminServer } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';

const hostile = '127.66.0.1';
const quiet = '127.77.0.1';
/** The node's own address, which probes of other pods with `host:` have as well. */
const kubelet = '127.0.0.1';
const question = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
/** Whoever sends no request is cut off after 5 s, whatever the limits of connections are. */
const beforeHeadersAreDueMs = 3_000;

const sockets: Socket[] = [];
let server: AdminServer | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
});

async function start() {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const seen = { made: 0 };
  server = await startAdminServer({
    port: 0,
    host: '0.0.0.0',
    clock,
    log: createLog({ component: 'x', level: 'error' }),
    routes: [{ path: '/metrics', respond: () => ({ status: 200, body: `${(seen.made += 1)}` }) }],
  });
  return { clock, seen };
}

async function open(localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server!.port, localAddress });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

async function scrape(from = quiet): Promise<string> {
  const socket = await open(from);
  socket.end('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const part of socket) text += String(part);
  return text;
}

test('attack: 128 idle connections of one address, which the kubelet has as well, keep no probe from its answer', async () => {
  await start();
  await Promise.all(Array.from({ length: 128 }, () => open(kubelet)));
  for (let probe = 1; probe <= 20; probe += 1) expect(await scrape(kubelet)).toContain('HTTP/1.1 200');
});

test('attack: eighteen probes a second that have the kubelet as their deputy take no answer from its own', async () => {
  await start();
  // The clock stands still: all of these come within one second.
  for (let probe = 1; probe <= 40; probe += 1) expect(await scrape(kubelet)).toContain('HTTP/1.1 200');
});

test('attack: pipelined requests on forty connections of one address keep no scraper from its answer', async () => {
  await start();
  const attack = await Promise.all(Array.from({ length: 40 }, () => open(hostile)));
  for (const socket of attack) socket.write(question.repeat(4));
  for (const from of [quiet, kubelet]) expect(await scrape(from)).toContain('HTTP/1.1 200');
});

test('attack: a pod that scrapes without end is refused, and a scraper and the kubelet are answered', async () => {
  const { seen } = await start();
  const answers: string[] = [];
  for (let count = 0; count < 60; count += 1) answers.push(await scrape(hostile));
  expect(answers.filter((answer) => answer.includes('HTTP/1.1 200'))).toHaveLength(50);
  expect(answers.at(-1)).toContain('HTTP/1.1 429');
  for (const from of [quiet, kubelet]) expect(await scrape(from)).toContain('HTTP/1.1 200');
  expect(seen.made).toBe(1);
});

test('attack: a hundred connections of one pod leave it 64, and a scraper and the kubelet are answered', async () => {
  await start();
  // More than a bucket allows at once.
  const attack: Socket[] = [];
  for (let count = 0; count < 100; count += 1) attack.push((await open(hostile)).resume());
  for (const from of [quiet, kubelet]) expect(await scrape(from)).toContain('HTTP/1.1 200');
  await expect
    .poll(() => attack.filter(({ closed }) => !closed).length, {
      message: 'they are not closed',
      timeout: beforeHeadersAreDueMs,
    })
    .toBeLessThanOrEqual(64);
});

test('a connection with more than four unanswered requests is closed, and creates no text', async () => {
  const { seen } = await start();
  const attack = await Promise.all(Array.from({ length: 16 }, () => open(hostile)));
  const closed = attack.map((socket) => once(socket.resume(), 'close'));
  for (const socket of attack) socket.write(question.repeat(1_000));
  expect(await scrape()).toContain('HTTP/1.1 200');
  expect(seen.made).toBeLessThanOrEqual(1 + 7);
  // Data of connections that are no longer read stays in the kernel.
  await Promise.race(closed);
});

test('attack: 128 connections with half-sent requests of one address keep no scraper from its answer', async () => {
  await start();
  const attack = await Promise.all(Array.from({ length: 128 }, () => open(hostile)));
  for (const socket of attack) socket.write('GET /metrics HTTP/1.1\r\nHo');
  for (const from of [quiet, kubelet]) expect(await scrape(from)).toContain('HTTP/1.1 200');
});

const manyCallers = (count: number) => Array.from({ length: count }, (_, n) => `127.66.1.${n + 1}`);

test('attack: more callers than connections, with one each, keep 128 open and lock out no new scraper', async () => {
  await start();
  const attack = await Promise.all(manyCallers(140).map(open));
  for (const socket of attack) socket.resume();
  for (let scraper = 1; scraper <= 5; scraper += 1)
    expect(await scrape(`127.77.0.${scraper}`)).toContain('HTTP/1.1 200');
  await expect
    .poll(() => attack.filter(({ closed }) => !closed).length, {
      message: 'they are not closed',
      timeout: beforeHeadersAreDueMs,
    })
    .toBeLessThanOrEqual(128);
});

test('as many callers as connections, with one answered request each, do not lock out a new scraper', async () => {
  await start();
  for (const address of manyCallers(140)) {
    const socket = await open(address);
    socket.write(question);
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  }
  expect(await scrape()).toContain('HTTP/1.1 200');
});

test('a scraper keeps its connection for the next scrape while callers with more connections come', async () => {
  const { clock } = await start();
  const scraper = await open(quiet);
  const ask = async () => {
    scraper.write(question);
    return String((await once(scraper, 'data'))[0]);
  };
  expect(await ask()).toContain('HTTP/1.1 200');
  for (let round = 0; round < 3; round += 1) {
    await clock.advance(15_000);
    for (const address of manyCallers(20)) await Promise.all(Array.from({ length: 10 }, () => open(address)));
    expect(await ask()).toContain('HTTP/1.1 200');
  }
});

test('a scraper whose idle connection was closed for others connects again and is served', async () => {
  const { clock } = await start();
  const scraper = await open(quiet);
  scraper.write(question);
  await once(scraper, 'data');
  await clock.advance(15_000);
  await Promise.all(manyCallers(128).map(open));
  await expect.poll(() => scraper.closed, { message: 'the idle connection is not closed' }).toBe(true);
  expect(await scrape()).toContain('HTTP/1.1 200');
});
