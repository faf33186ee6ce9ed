// Simultaneous requests and slow readers on a guarded server, over real connections.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { createGuardedServer, type GuardOptions } from '@pod-identity/kit/serve';
import type { LimitEffect } from '@pod-identity/kit/core';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';

const hostile = '127.66.0.1';
const quiet = '127.77.0.1';
const ask = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const askOnce = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

const sockets: Socket[] = [];
let close = (): void => undefined;
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  close();
});

async function start(handle: GuardOptions<undefined>['handle']) {
  const effects: LimitEffect[] = [];
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const told = Promise.withResolvers<LimitEffect>();
  const { server, listen } = createGuardedServer<undefined>({
    requestsPerSecond: 0,
    connections: 100,
    clock,
    handle,
    describe: () => undefined,
    onLimited: (effect) => {
      effects.push(effect);
      told.resolve(effect);
    },
    refuse: (response) => response.end(),
    lines: {
      tooFast: 'HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n',
      malformed: 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
    },
  });
  const port = await listen({ port: 0, host: '127.0.0.1' });
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const connections = () => promisify(server.getConnections.bind(server))();
  return { port, server, effects, limited: told.promise, clock, connections };
}

async function open(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** All data until the server closes. */
async function send(port: number, text: string, from = hostile): Promise<string> {
  const socket = await open(port, from);
  socket.write(text);
  return untilClosed(socket);
}

async function untilClosed(socket: Socket): Promise<string> {
  let all = '';
  socket.on('data', (part: Buffer) => (all += part.toString('latin1')));
  await once(socket, 'close');
  return all;
}

const fine: GuardOptions<undefined>['handle'] = (_, response) => setImmediate(() => response.end('fine'));

test('four requests at once are answered in order', async () => {
  const { port, effects } = await start(({ url }, response) => setImmediate(() => response.end(`<${url}>`)));
  const text = ['/1', '/2', '/3'].map((path) => ask.replace('/ ', `${path} `)).join('');
  const answers = await send(port, text + askOnce.replace('/ ', '/4 '));
  expect(answers.match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>', '</4>']);
  expect(effects).toEqual([]);
});

test.each([
  ['GET', ask],
  ['GET with an expectation that nobody knows', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n'],
  ['POST', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1'],
])('of many %s requests at once four are handled, and the connection is closed', async (_, request) => {
  let handled = 0;
  const { port, effects } = await start((__, response) => {
    handled += 1;
    setImmediate(() => response.end('fine'));
  });
  await send(port, request.repeat(500));
  expect(handled).toBe(4);
  expect(effects).toEqual(['pipelined']);
  expect(await send(port, askOnce, quiet)).toContain('200 OK');
});

test('immediate responses do not allow hundreds of requests in one packet', async () => {
  let handled = 0;
  const { port, effects } = await start((_, response) => {
    handled += 1;
    response.end('fine');
  });
  await send(port, ask.repeat(500));
  expect(handled).toBe(4);
  expect(effects).toEqual(['pipelined']);
});

test('any number of requests one after another is accepted', async () => {
  const { port, effects } = await start(fine);
  const socket = await open(port, quiet);
  for (let count = 0; count < 20; count += 1) {
    socket.write(ask);
    await once(socket, 'data');
  }
  expect(effects).toEqual([]);
});

test.each([
  ['in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 'HTTP/1.1 200 OK'],
  ['that would upgrade', `${askOnce.trimEnd()}, upgrade\r\nUpgrade: h2c\r\n\r\n`, 'HTTP/1.1 200 OK'],
  [
    'that waits for the word to send its body',
    `POST${askOnce.slice(3).trimEnd()}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK',
  ],
  ['with thirty headers', askOnce.replace('\r\n\r\n', `\r\n${'a: b\r\n'.repeat(28)}\r\n`), 'HTTP/1.1 200 OK'],
  [
    'with more headers',
    askOnce.replace('\r\n\r\n', `\r\n${'a: b\r\n'.repeat(29)}\r\n`),
    'HTTP/1.1 400 Bad Request',
  ],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', ''],
])('a request %s', async (_, request, answer) => {
  const { port } = await start(fine);
  const text = await send(port, request);
  expect(text.slice(0, answer.length || 1)).toBe(answer);
});

test('a caller that does not read its large responses loses its connections, and another one is served', async () => {
  // More than kernels buffer for one connection.
  const large = Buffer.alloc(32 * 1024 * 1024);
  const { port, server, limited } = await start(({ url }, response) =>
    setImmediate(() => response.end(url === '/large' ? large : 'fine')),
  );
  // Instead of 30 s.
  server.timeout = 50;
  const slow = await open(port, hostile);
  slow.pause();
  slow.write(ask.replace('/ ', '/large '));
  expect(await limited).toBe('unread');
  // For connections from now on: a busy machine may need longer for a whole request.
  server.timeout = 30_000;
  expect(await send(port, askOnce, quiet)).toContain('200 OK');
});

test('at most three responses wait behind an unanswered request on their connection', async () => {
  const large = Buffer.alloc(1024 * 1024);
  const { port, limited } = await start(({ url }, response) => {
    if (url === '/large') response.end(large);
  });
  const hostileOne = await open(port, hostile);
  hostileOne.write(ask + ask.replace('/ ', '/large ').repeat(4));
  expect(await limited).toBe('pipelined');
  expect(await send(port, askOnce.replace('/ ', '/large '), quiet)).toContain('200 OK');
});

test('a request may wait longer for its response than a client may take to read one', async () => {
  const answer = Promise.withResolvers<undefined>();
  const { port, server, effects } = await start((_, response) => {
    void answer.promise.then(() => response.end('fine'));
  });
  server.timeout = 20;
  const told = once(server, 'timeout');
  const text = send(port, askOnce, quiet);
  await told;
  answer.resolve(undefined);
  expect(await text).toContain('200 OK');
  expect(effects).toEqual([]);
});

test('an idle connection is closed after a while', async () => {
  const { port, server, effects } = await start(fine);
  server.timeout = 20;
  expect(await untilClosed(await open(port, quiet))).toBe('');
  expect(effects).toEqual([]);
});

test('a response that waited for its turn no longer counts when it was read', async () => {
  const large = Buffer.alloc(700 * 1024);
  const { port, effects } = await start(({ url }, response) => {
    if (url === '/large') response.end(large);
    else setImmediate(() => response.end('fine'));
  });
  const socket = await open(port, quiet);
  for (let round = 0; round < 5; round += 1) {
    socket.write(ask + ask.replace('/ ', '/large ').repeat(2));
    let read = 0;
    while (read < 2 * large.length) read += ((await once(socket, 'data')) as [Buffer])[0].length;
  }
  expect(effects).toEqual([]);
});

test.each([
  ['a request that is none', 'hello\r\n\r\n'],
  ['a request that is refused for its headers', ask.replace('\r\n\r\n', `\r\n${'a: b\r\n'.repeat(40)}\r\n`)],
])(
  'after %s the connection is closed for good, though its client keeps its half open',
  async (_, request) => {
    const { port, clock, connections } = await start(fine);
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    sockets.push(socket);
    socket.on('error', () => undefined).write(request);
    await Promise.all([once(socket, 'end'), once(socket.resume(), 'data')]);
    expect(await connections()).toBe(1);
    await clock.advance(1_000);
    await expect.poll(connections).toBe(0);
  },
);

test('a connection that the kernel could not accept ends neither the server nor the process', async () => {
  const { port, server } = await start((_, response) => response.end('still here'));
  server.emit('error', Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' }));
  expect(await send(port, askOnce, quiet)).toContain('still here');
});
