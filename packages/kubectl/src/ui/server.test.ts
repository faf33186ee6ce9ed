import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startPageServer, type PageServer } from './server.ts';
import type { Finding } from '@pod-identity/policy';

const [token, proof] = ['the-token', 'the-proof'];
const files = new Map([
  ['/', { contentType: 'text/html; charset=utf-8', body: '<p>page</p>' }],
  ['/page.js', { contentType: 'text/javascript; charset=utf-8', body: '1' }],
]);
const story: readonly Finding[] = [{ topic: 'result', verdict: 'ok', text: 'the pod gets a token' }];

let server: PageServer;
let readStatus: () => Promise<{ body: string; readAt: string }>;
const asked: string[] = [];
/** Stories that are read until the page that wants them is gone. */
const ended: string[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  readStatus = () => {
    asked.push('status');
    return Promise.resolve({ body: '{"report":1}', readAt: 'now' });
  };
  asked.length = 0;
  ended.length = 0;
  const readStory = (pod: string, signal: AbortSignal) => {
    asked.push(pod);
    if (pod.startsWith('slow/'))
      return new Promise<typeof story>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error(`${ended.push(pod)} ended`)));
      });
    return pod === 'shop/web-0'
      ? Promise.resolve(story)
      : Promise.reject(new Error(`there is no pod ${pod}`));
  };
  server = await startPageServer({ port: 0, token, proof, files, readStatus: () => readStatus(), readStory });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

async function ask(path: string, { method = 'GET', headers = {} }: Asking = {}) {
  const asking = request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false });
  const [response] = (await once(asking.end(), 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

const withToken = { headers: { 'x-pod-identity-token': token } };

/** A connection on which the test writes and reads by itself. */
async function open(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server.port });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const statusRequest = () =>
  `GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nx-pod-identity-token: ${token}\r\n\r\n`;

/** Reads until the text has come, and returns what has come until then. */
async function until(socket: Socket, wanted: string): Promise<string> {
  let read = '';
  const { promise, resolve } = Promise.withResolvers<string>();
  const take = (chunk: Buffer) => {
    read += chunk.toString();
    if (read.includes(wanted)) resolve(read);
  };
  socket.on('data', take).resume();
  try {
    return await promise;
  } finally {
    // What comes meanwhile is for the next call.
    socket.off('data', take).pause();
  }
}

describe('what the page is made of', () => {
  test('is for everyone on this machine, never cached, and may load nothing from elsewhere', async () => {
    const { status, headers, body } = await ask('/');
    expect([status, body]).toEqual([200, '<p>page</p>']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; .*frame-ancestors 'none'$/,
      ) as string,
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect((await ask('/page.js?x=1')).body).toBe('1');
  });

  test.each([
    '/../package.json',
    '/%2e%2e/package.json',
    '//page.js',
    '/page.js/',
    '/PAGE.JS',
    '/ui/page.js',
    '/constructor',
    'http://127.0.0.1/page.js',
    '/v1',
    '/v1/constructor',
  ])('attack: %s leads to no file', async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: 'not found\n' });
  });

  test('attack: an address that is too long is refused', async () => {
    expect((await ask(`/${'x'.repeat(10_000)}`)).status).toBe(431);
  });
});

describe('who may read', () => {
  test.each(['/v1/status', '/v1/story?pod=shop/web-0'])(
    'attack: %s without the token, or with another',
    async (path) => {
      for (const given of [
        undefined,
        '',
        'the-toke',
        'the-token2',
        token.toUpperCase(),
        `${token}, ${token}`,
      ])
        expect(
          await ask(path, given === undefined ? {} : { headers: { 'x-pod-identity-token': given } }),
        ).toMatchObject({ status: 401 });
      expect(asked).toEqual([]);
    },
  );

  test('attack: a token in the address, in a cookie or in Authorization counts for nothing', async () => {
    const path = `/v1/status?token=${token}&x-pod-identity-token=${token}`;
    const headers = { cookie: `x-pod-identity-token=${token}`, authorization: `Bearer ${token}` };
    expect((await ask(path, { headers })).status).toBe(401);
  });

  test.each([
    'evil.test',
    'evil.test:PORT',
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost.evil.test:PORT',
    '127.0.0.1:PORT, evil.test',
  ])('attack: a page whose name was made to lead here, Host %j, gets not even the page', async (host) => {
    const headers = { ...withToken.headers, host: host.replace('PORT', String(server.port)) };
    for (const path of ['/', '/v1/status', '/v1/story?pod=shop/web-0'])
      expect((await ask(path, { headers })).status).toBe(421);
    expect(asked).toEqual([]);
  });

  test('attack: a request without Host gets nothing', async () => {
    const socket = await open();
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await until(socket, '\r\n\r\n')).toMatch(/^HTTP\/1.1 421 /);
  });

  test('localhost is this machine too', async () => {
    expect((await ask('/', { headers: { host: `localhost:${server.port}` } })).status).toBe(200);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'])(
    'attack: %s is refused',
    async (method) => {
      const headers = { ...withToken.headers, origin: 'https://evil.test' };
      const refused = await ask('/v1/story?pod=shop/web-0', { method, headers });
      expect(refused.status).toBe(405);
      expect(refused.headers['access-control-allow-origin']).toBeUndefined();
      expect(asked).toEqual([]);
    },
  );
});

describe('a story', () => {
  test('is of the pod that is asked for', async () => {
    const { status, body } = await ask('/v1/story?pod=shop%2Fweb-0', withToken);
    expect([status, JSON.parse(body)]).toEqual([200, story]);
  });

  test.each([
    '',
    'web-0',
    'shop/',
    'shop/web-0/log',
    '../web-0',
    'shop/..',
    'shop/web-0?x',
    `shop/${'a'.repeat(254)}`,
  ])('attack: %j is no pod, and nobody is asked about it', async (pod) => {
    expect((await ask(`/v1/story?pod=${encodeURIComponent(pod)}`, withToken)).status).toBe(400);
    expect(asked).toEqual([]);
  });

  test('attack: what only the server knows is sent to pages with the token alone', async () => {
    const path = '/v1/story?pod=shop/web-0';
    expect((await ask(path, withToken)).headers['x-pod-identity-proof']).toBe(proof);
    for (const one of ['/', path]) expect((await ask(one)).headers['x-pod-identity-proof']).toBeUndefined();
  });

  test('that cannot be told says why', async () => {
    expect(await ask('/v1/story?pod=shop/none', withToken)).toMatchObject({
      status: 502,
      body: 'there is no pod shop/none\n',
    });
  });
});

test('a story that takes long is read no further when its page is gone', async () => {
  const page = await open();
  page.write(statusRequest().replace('/v1/status', '/v1/story?pod=slow/web-0'));
  await expect.poll(() => asked).toEqual(['slow/web-0']);
  page.destroy();
  await expect.poll(() => ended).toEqual(['slow/web-0']);
});

describe('the report', () => {
  test('comes with the time when it was read, or says why it could not be read', async () => {
    const { status, headers, body } = await ask('/v1/status', withToken);
    expect([status, body, headers['x-pod-identity-read-at']]).toEqual([200, '{"report":1}', 'now']);
    expect(headers['x-pod-identity-proof']).toBe(proof);
    readStatus = () => Promise.reject(new Error('the API server is away'));
    expect(await ask('/v1/status', withToken)).toMatchObject({
      status: 502,
      body: 'the API server is away\n',
    });
  });
});

test('attack: half a request ends', async () => {
  const one = await open();
  one.write('GET / HTTP/1.1\r\n');
  one.resume();
  await once(one, 'close');
});
