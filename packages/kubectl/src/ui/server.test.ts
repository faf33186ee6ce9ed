import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Picture, PodStory, Thing } from './picture.ts';
import { startPageServer, type PageServer } from './server.ts';

const [token, proof] = ['the-token', 'the-proof'];
const files = new Map([
  ['/', { contentType: 'text/html; charset=utf-8', body: '<p>page</p>' }],
  ['/page.js', { contentType: 'text/javascript; charset=utf-8', body: '1' }],
]);
const thing = (id: string, about = ''): Thing => ({
  id,
  column: 'pod',
  namespace: 'shop',
  name: id,
  state: 'waiting',
  about,
});
const pictureOf = (number: number, things: readonly Thing[]): Picture => ({
  number,
  takenAt: '2026-01-01T00:00:00.000Z',
  server: 'https://api.test',
  namespace: undefined,
  things,
  lines: [],
  unknown: [],
  pending: 0,
});
const story: PodStory = { pod: 'shop/web-0', findings: [], events: [], tokens: [], unknown: [] };

/** The pictures as a test sets them. */
function createPictures() {
  const listeners = new Set<() => void>();
  let [latest, problem]: [Picture?, string?] = [pictureOf(1, [thing('a')])];
  return {
    latest: () => latest,
    problem: () => problem,
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    show(next: Picture, nextProblem?: string) {
      [latest, problem] = [next, nextProblem];
      listeners.forEach((listener) => listener());
    },
    listeners,
  };
}

let server: PageServer;
let pictures: ReturnType<typeof createPictures>;
let clock: ReturnType<typeof createFakeClock>;
const asked: string[] = [];
/** Stories that are read until the page that wants them is gone, or the test answers. */
const slow = new Map<string, (story: PodStory) => void>();
const sockets: Socket[] = [];

beforeEach(async () => {
  pictures = createPictures();
  clock = createFakeClock();
  asked.length = 0;
  slow.clear();
  const readStory = (pod: string, signal: AbortSignal) => {
    asked.push(pod);
    if (pod.startsWith('slow/'))
      return new Promise<PodStory>((resolve, reject) => {
        slow.set(pod, resolve);
        signal.addEventListener('abort', () => reject(new Error('nobody wants it')));
      });
    return pod === 'shop/web-0'
      ? Promise.resolve(story)
      : Promise.reject(new Error(`there is no pod ${pod}`));
  };
  const readChecks = () => {
    asked.push('checks');
    return Promise.resolve({ findings: [], unknown: ['rights: no'] });
  };
  server = await startPageServer({ port: 0, token, proof, files, pictures, readStory, readChecks, clock });
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

const streamRequest = () =>
  `GET /v1/picture HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nx-pod-identity-token: ${token}\r\n\r\n`;

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
  test.each(['/v1/picture', '/v1/checks', '/v1/story?pod=shop/web-0'])(
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
        ).toMatchObject({
          status: 401,
        });
      expect(asked).toEqual([]);
    },
  );

  test('attack: a token in the address, in a cookie or in Authorization counts for nothing', async () => {
    const path = `/v1/picture?token=${token}&x-pod-identity-token=${token}`;
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
    for (const path of ['/', '/v1/picture', '/v1/story?pod=shop/web-0'])
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

describe('stories and checks that take long', () => {
  const askFor = async (pod: string): Promise<Socket> => {
    const socket = await open();
    socket.write(streamRequest().replace('/v1/picture', `/v1/story?pod=${pod}`));
    await expect.poll(() => asked).toContain(pod);
    return socket;
  };

  test('attack: a page that asks for more than eight at a time is told when to try again', async () => {
    for (let at = 0; at < 8; at += 1) await askFor(`slow/web-${at}`);
    for (const path of ['/v1/story?pod=shop/web-0', '/v1/checks']) {
      const refused = await ask(path, withToken);
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, '5']);
      expect(refused.body).toBe('8 stories and checks are being read already: try again in 5 seconds\n');
    }
    expect(asked).toHaveLength(8);
    slow.get('slow/web-3')?.(story);
    await expect.poll(async () => (await ask('/v1/story?pod=shop/web-0', withToken)).status).toBe(200);
  });

  test('attack: those of one connection count too, without waiting for their responses', async () => {
    const socket = await open();
    const requests = Array.from({ length: 20 }, (_, at) =>
      streamRequest().replace('/v1/picture', `/v1/story?pod=slow/web-${at}`),
    );
    socket.write(requests.join(''));
    await expect.poll(() => asked.length).toBe(8);
    expect((await ask('/v1/checks', withToken)).status).toBe(429);
    expect(asked).toHaveLength(8);
  });

  test('leave room as soon as their pages are gone', async () => {
    const pages: Socket[] = [];
    for (let at = 0; at < 8; at += 1) pages.push(await askFor(`slow/web-${at}`));
    for (const page of pages) page.destroy();
    await expect.poll(async () => (await ask('/v1/checks', withToken)).status).toBe(200);
  });
});

describe('the stream', () => {
  test('begins with the picture, goes on with changes, and says when the API server is lost and found', async () => {
    const socket = await open();
    socket.write(streamRequest());
    const first = await until(
      socket,
      `event: picture\ndata: ${JSON.stringify(pictureOf(1, [thing('a')]))}\n\n`,
    );
    expect(first).toContain('content-type: text/event-stream');
    pictures.show(pictureOf(2, [thing('a', 'new'), thing('b')]));
    expect(await until(socket, '"goneThings":[]')).toMatch(/event: change\ndata: \{"number":2,/);
    pictures.show(pictureOf(3, [thing('a', 'new'), thing('b')]), 'away');
    const lost = await until(socket, 'event: problem\ndata: {"text":"away"}\n\n');
    expect(lost).not.toContain('event: change');
    pictures.show(pictureOf(4, [thing('b')]));
    const found = await until(socket, 'event: problem\ndata: {"text":""}\n\n');
    expect(found).toContain('"goneThings":["a"]');
    await clock.advance(15_000);
    await until(socket, ': keep-alive\n\n');
  });

  test('of a page that is gone is not written any more', async () => {
    const socket = await open();
    socket.write(streamRequest());
    await until(socket, 'event: picture');
    expect(pictures.listeners.size).toBe(1);
    socket.destroy();
    await expect.poll(() => pictures.listeners.size).toBe(0);
  });

  test('attack: a page that reads nothing makes nothing grow, gets one change for all that it missed, and is closed in the end', async () => {
    const [slow, dead] = [await open(), await open()];
    for (const socket of [slow, dead]) {
      socket.pause();
      socket.write(streamRequest());
    }
    await expect.poll(() => pictures.listeners.size).toBe(2);
    const large = 'x'.repeat(4 * 1024 * 1024);
    for (let number = 2; number < 100; number += 1)
      pictures.show(pictureOf(number, [thing('a', `${number}${large}`)]));
    // Each change is 4 MiB: 98 of them would be 400.
    expect(process.memoryUsage().external).toBeLessThan(200 * 1024 * 1024);
    const rest = await until(slow, '"number":99');
    expect(rest.match(/event: change/g)?.length).toBeLessThan(10);
    await clock.advance(15_000);
    await clock.advance(15_000);
    await expect.poll(() => pictures.listeners.size).toBe(1);
  });

  test('attack: connections without the token take no room from pages', async () => {
    const page = await open();
    page.write(streamRequest());
    await until(page, 'event: picture');
    const others = await Promise.all(Array.from({ length: 30 }, open));
    await expect.poll(() => others.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(8);
    expect((await ask('/v1/story?pod=shop/web-0', withToken)).status).toBe(200);
    pictures.show(pictureOf(2, [thing('b')]));
    await until(page, 'event: change');
  });

  test('attack: half a request ends', async () => {
    const one = await open();
    one.write('GET / HTTP/1.1\r\n');
    one.resume();
    await once(one, 'close');
  });

  test('attack: more pages than anybody needs are closed', async () => {
    for (let at = 0; at < 16; at += 1) {
      const page = await open();
      page.write(streamRequest());
      await until(page, 'event: picture');
    }
    const one = connect({ host: '127.0.0.1', port: server.port });
    sockets.push(one);
    await once(one.resume(), 'close');
    expect(pictures.listeners.size).toBe(16);
  });
});
