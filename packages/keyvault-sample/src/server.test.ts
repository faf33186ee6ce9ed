import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addressOf, startServer } from './server.ts';

const place = { port: 0, address: '127.0.0.1' };
let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer(() => '<p>page</p>', place);
});
afterAll(() => void server.close());

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const halfRequest = async (to: typeof server): Promise<Socket> => {
  const { address: host, port } = to.address() as AddressInfo;
  const socket = connect({ host, port });
  sockets.push(socket);
  // The server may reset the connection.
  socket.on('error', () => undefined);
  socket.resume();
  await within(once(socket, 'connect'), 'a connection');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
  return socket;
};

/** A reset counts as an end. */
const ended = async (socket: Socket): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<true>();
  socket.once('close', () => resolve(true));
  if (socket.closed) resolve(true);
  await within(promise, 'the end of a connection');
};

const within = async <T>(result: Promise<T>, what: string): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`within 10 s there was not: ${what}`)), 10_000);
  return Promise.race([result, promise]).finally(() => clearTimeout(timer));
};

const ask = async (path: string, method = 'GET') => {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: Record<string, unknown>;
    body: string;
  }>();
  request(new URL(path, addressOf(server)), { method, agent: false }, (response) => {
    const { statusCode: status = 0, headers } = response;
    text(response).then((body) => resolve({ status, headers, body }), reject);
  })
    .on('error', reject)
    .end();
  return promise;
};

test('/ is the page, never cached, with its policy', async () => {
  const { status, headers, body } = await ask('/?x=1');
  expect([status, body]).toEqual([200, '<p>page</p>']);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  expect(headers['content-security-policy']).toContain("default-src 'none'");
});

test('/healthz says that the program works', async () => {
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
});

test.each([
  ['GET', '/other', 404, 'not found\n'],
  ['GET', '/../etc/passwd', 404, 'not found\n'],
  ['HEAD', '/', 200, ''],
])('%s %s: %i', async (method, path, ...[status, body]) => {
  expect(await ask(path, method)).toMatchObject({ status, body });
});

test.each([
  ['::', 'IPv6', 'http://localhost:8080/'],
  ['0.0.0.0', 'IPv4', 'http://localhost:8080/'],
  ['127.0.0.1', 'IPv4', 'http://127.0.0.1:8080/'],
  ['::1', 'IPv6', 'http://[::1]:8080/'],
])('the address of a page that listens on %s is one for a browser', (address, family, expected) => {
  // Some machines have no ::1 to listen on.
  expect(addressOf({ address: () => ({ address, family, port: 8080 }) })).toBe(expected);
});

test('a port that is in use is an error with its code', async () => {
  const { port } = new URL(addressOf(server));
  await expect(startServer(() => '', { ...place, port: Number(port) })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

test(
  'half a request is ended soon after its time: the server looks each second',
  { timeout: 20_000 },
  async () => {
    const strict = await startServer(() => '', place);
    strict.headersTimeout = 50;
    try {
      const socket = await halfRequest(strict);
      await ended(socket);
    } finally {
      strict.close().closeAllConnections();
    }
  },
);

test('half a request has 5 seconds', () => {
  expect([server.headersTimeout, server.requestTimeout]).toEqual([5000, 5000]);
});
