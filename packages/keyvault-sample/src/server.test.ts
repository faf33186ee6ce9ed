import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addressOf, remedyForAddress, startServer } from './server.ts';

const place = { port: 0, address: '127.0.0.1' };
const health = { ok: true, text: 'ok' };
let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer({ page: () => '<p>page</p>', health: () => health }, place);
});
afterAll(() => void server.close());

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Half a request, from an address of this machine. */
const halfRequest = async (to: typeof server, localAddress: string): Promise<Socket> => {
  const { address: host, port } = to.address() as AddressInfo;
  const socket = connect({ host, port, localAddress });
  sockets.push(socket);
  // The server may reset the connection.
  socket.on('error', () => undefined);
  socket.resume();
  await within(once(socket, 'connect'), `a connection from ${localAddress}`);
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

const ask = async (path: string, method = 'GET', localAddress = '127.0.0.1') => {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: Record<string, unknown>;
    body: string;
  }>();
  request(new URL(path, addressOf(server)), { method, agent: false, localAddress }, (response) => {
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

test('/healthz says whether the program works', async () => {
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  Object.assign(health, { ok: false, text: 'a round hangs' });
  expect(await ask('/healthz')).toMatchObject({ status: 503, body: 'a round hangs\n' });
});

test.each([
  ['GET', '/other', 404, 'not found\n'],
  ['GET', '/../etc/passwd', 404, 'not found\n'],
  ['POST', '/', 405, 'GET only\n'],
  ['HEAD', '/', 200, ''],
])('%s %s: %i', async (method, path, ...[status, body]) => {
  expect(await ask(path, method)).toMatchObject({ status, body });
});

test.each([
  ['::', /^http:\/\/localhost:\d+\/$/],
  ['127.0.0.1', /^http:\/\/127\.0\.0\.1:\d+\/$/],
  ['::1', /^http:\/\/\[::1\]:\d+\/$/],
])('the address of a page that listens on %s is one for a browser', async (at, expected) => {
  const listening = await startServer(
    { page: () => '', health: () => health },
    { ...place, port: 0, address: at },
  );
  try {
    expect(addressOf(listening)).toMatch(expected);
  } finally {
    listening.close();
  }
});

test('a port that is in use is an error with its code', async () => {
  const { port } = new URL(addressOf(server));
  await expect(
    startServer({ page: () => '', health: () => health }, { ...place, port: Number(port) }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test.each([
  ['EADDRINUSE', 'Set PORT to a free one'],
  ['EACCES', 'Set PORT to 1024 or more'],
  ['EADDRNOTAVAIL', 'Set LISTEN_ADDRESS to an address of this pod'],
  ['EAFNOSUPPORT', 'Set LISTEN_ADDRESS to an address of this pod'],
  ['ENOTFOUND', 'Check LISTEN_ADDRESS and PORT'],
  [undefined, 'Check LISTEN_ADDRESS and PORT'],
])('the remedy for %s: %s', (code, remedy) => {
  expect(remedyForAddress(Object.assign(new Error('listen'), { code }))).toContain(remedy);
});

test(
  'half a request is ended soon after its time: the server looks each second',
  { timeout: 20_000 },
  async () => {
    const strict = await startServer(
      { page: () => '', health: () => health },
      { ...place, headersTimeoutMs: 50 },
    );
    try {
      const socket = await halfRequest(strict, '127.0.0.1');
      await ended(socket);
    } finally {
      strict.close().closeAllConnections();
    }
  },
);

test('half a request has 5 seconds', () => {
  expect([server.headersTimeout, server.requestTimeout]).toEqual([5000, 5000]);
});

test('one address has at most 16 connections, so that others are answered', { timeout: 20_000 }, async () => {
  const accepted: Socket[] = [];
  const note = (socket: Socket) => void accepted.push(socket);
  server.on('connection', note);
  const held = await Promise.all(Array.from({ length: 16 }, () => halfRequest(server, '127.0.0.2')));
  const refused = await halfRequest(server, '127.0.0.2');
  await ended(refused);
  server.off('connection', note);
  expect(held.filter((socket) => socket.closed)).toEqual([]);
  expect(await ask('/')).toMatchObject({ status: 200 });

  const [seen] = accepted;
  if (seen === undefined) throw new Error('the server accepted no connection');
  seen.destroy();
  await ended(seen);
  expect(await ask('/', 'GET', '127.0.0.2')).toMatchObject({ status: 200 });
});
