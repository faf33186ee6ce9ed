// What anybody who reaches an admin port may do to it, and to those who share its process.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createLog, startAdminServer, type AdminServer } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';

const hostile = '127.66.0.1';
const quiet = '127.77.0.1';
const question = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';

const sockets: Socket[] = [];
let server: AdminServer | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
});

async function start() {
  const clock = createFakeClock();
  const seen = { made: 0 };
  server = await startAdminServer({
    ...{ port: 0, host: '0.0.0.0', clock },
    log: createLog({ component: 'x', level: 'error' }),
    routes: [{ path: '/metrics', answer: () => ({ status: 200, body: `${(seen.made += 1)}` }) }],
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

async function scrape(): Promise<string> {
  const socket = await open(quiet);
  socket.end('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const part of socket) text += String(part);
  return text;
}

test('pipelined requests of forty connections of one caller get no more answers than a scraper needs', async () => {
  const { clock, seen } = await start();
  const attack = await Promise.all(Array.from({ length: 40 }, () => open(hostile)));
  const first = once(attack[0]!, 'data');
  for (const socket of attack) if (!socket.destroyed) socket.write(question.repeat(4));
  await first;
  for (let scraped = 0; scraped < 3; scraped += 1) expect(await scrape()).toContain('HTTP/1.1 200');
  expect(seen.made).toBeLessThanOrEqual(3 + 7);
  await clock.advance(1_000);
  expect(await scrape()).toContain('HTTP/1.1 200');
  expect(seen.made).toBeLessThanOrEqual(4 + 8);
});

test('a connection with more than four unanswered requests is closed, and makes no text', async () => {
  const { seen } = await start();
  const attack = await Promise.all(Array.from({ length: 16 }, () => open(hostile)));
  const closed = attack.map((socket) => once(socket.resume(), 'close'));
  for (const socket of attack) socket.write(question.repeat(1_000));
  expect(await scrape()).toContain('HTTP/1.1 200');
  expect(seen.made).toBeLessThanOrEqual(1 + 7);
  // Those that are not read any longer keep what was sent in the kernel.
  await Promise.race(closed);
});

test('of half-sent requests of one caller few connections are kept, and another caller is served', async () => {
  await start();
  const attack: Socket[] = [];
  const closed: Promise<unknown>[] = [];
  for (let count = 0; count < 60; count += 1) {
    const socket = await open(hostile);
    closed.push(socket.destroyed ? Promise.resolve() : once(socket, 'close'));
    attack.push(socket);
    socket.write('GET /metrics HTTP/1.1\r\nHo');
  }
  // Sixteen are kept.
  await Promise.all(closed.slice(16));
  expect(attack.filter(({ destroyed }) => !destroyed)).toHaveLength(16);
  expect(await scrape()).toContain('HTTP/1.1 200');
});
