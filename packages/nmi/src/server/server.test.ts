import { connect } from 'node:net';
import { once } from 'node:events';
import { systemClock } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { listenerName } from '../request/wire.ts';
import { probeListener } from '../ready/readiness.ts';
import { startServer, type RunningServer, type ServerOptions } from './server.ts';
import type { App, InboundRequest, OutboundResponse } from '../request/wire.ts';

const running: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close(0)));
});

const fine: OutboundResponse = { status: 200, headers: { 'Content-Length': '2' }, body: 'ok' };
const start = async (respond: App['respond'], over: Partial<ServerOptions> = {}) => {
  const app = { respond };
  const server = await startServer({ host: '127.0.0.1', port: 0, app, clock: systemClock, ...over });
  running.push(server);
  return server;
};
const open = (port: number, localAddress = '127.0.0.1') => {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, ended };
};
const send = (port: number, raw: string, from?: string) => {
  const { socket, ended } = open(port, from);
  socket.end(raw);
  return ended;
};

it('makes a value of a request: the peer is who is connected', async () => {
  const seen: InboundRequest[] = [];
  const { port } = await start((request) => {
    seen.push(request);
    return Promise.resolve(fine);
  });
  const answer = await send(
    port,
    'GET //a?b HTTP/1.1\r\nHost: x\r\nMETADATA: True\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n',
    '127.0.7.7',
  );
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  expect(seen).toMatchObject([
    { method: 'GET', target: '//a?b', peer: '127.0.7.7', headers: { metadata: 'True' } },
  ]);
});

it('writes the reason of a response into its status line', async () => {
  const { port } = await start(() => ({ ...fine, status: 400, reason: 'Identity not found. No label.' }));
  expect(await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 400 Identity not found\. No label\.\r\n/,
  );
  expect(await send(port, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 The request target is malformed/);
});

it('shows every Host header, so that none goes unjudged', async () => {
  const seen: InboundRequest[] = [];
  const { port } = await start((request) => {
    seen.push(request);
    return Promise.resolve(fine);
  });
  await send(port, 'GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n');
  expect(seen[0]?.headers.host).toBe('localhost, evil.example');
});

it.each([
  ['item 12: without Host', 'GET / HTTP/1.1\r\n\r\n', 200],
  ['item 12: in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 200],
  ['with an endless header', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 400],
  ['that is no HTTP', 'hello\r\n\r\n', 400],
  [
    'with two lengths',
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
  ],
])('answers a request %s', async (_, raw, status) => {
  const { port } = await start(() => Promise.resolve(fine));
  expect(await send(port, raw)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

it('item 12: answers pipelined requests in their order, each by itself', async () => {
  const { port } = await start(({ target }) => Promise.resolve({ ...fine, body: target.slice(0, 2) }));
  const text = await send(
    port,
    'GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  expect(text.match(/\/[12]$/gm) ?? text.match(/\/[12]/g)).toEqual(expect.arrayContaining(['/2']));
  expect(text.indexOf('/1')).toBeLessThan(text.indexOf('/2'));
});

it('tells the app when the caller hangs up, whenever it asks', async () => {
  const gone = Promise.withResolvers<unknown>();
  const { port } = await start(async (request) => {
    await once(request.gone, 'abort');
    gone.resolve(request.gone.aborted);
    return fine;
  });
  const { socket } = open(port);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'connect');
  socket.destroy();
  await expect(gone.promise).resolves.toBe(true);
});

describe('a client that closes its half of the connection (nc -N)', () => {
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  /** Closes nothing by itself. */
  const ask = (port: number) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    const ended = once(socket, 'end').then(() => text);
    socket.write(request);
    return { socket, ended };
  };
  const stage = async (app: (request: InboundRequest) => Promise<OutboundResponse>) => {
    const clock = createFakeClock(Date.UTC(2026, 0, 1));
    const arrived = Promise.withResolvers<undefined>();
    const { port } = await start(
      (inbound) => {
        arrived.resolve(undefined);
        return app(inbound);
      },
      { clock },
    );
    const client = ask(port);
    await arrived.promise;
    const closeHalf = async () => {
      const before = clock.pending;
      client.socket.end();
      await expect.poll(() => clock.pending).toBeGreaterThan(before);
    };
    return { clock, closeHalf, ...client };
  };
  const held = async ({ gone }: InboundRequest) => {
    if (!gone.aborted) await once(gone, 'abort');
    return { ...fine, status: 503 };
  };

  it('gets an answer that is there at once', async () => {
    const { port } = await start(() => fine);
    const { socket, ended } = ask(port);
    socket.end();
    expect(await ended).toMatch(/^HTTP\/1.1 200 OK[^]*ok$/);
  });

  it('gets an answer that comes soon, and its end with it', async () => {
    const answer = Promise.withResolvers<OutboundResponse>();
    const { closeHalf, ended, clock } = await stage(() => answer.promise);
    await closeHalf();
    await clock.advance(500);
    answer.resolve(fine);
    expect(await ended).toMatch(/^HTTP\/1.1 200 OK[^]*ok$/);
    await expect.poll(() => clock.pending).toBe(0);
  });

  it('is told why there is nothing when a second is nearly over', async () => {
    const { clock, closeHalf, ended } = await stage(held);
    await closeHalf();
    await clock.advance(900);
    expect(await ended).toMatch(/^HTTP\/1.1 503 /);
    await expect.poll(() => clock.pending).toBe(0);
  });

  it('waits no more at once when it was held for longer before', async () => {
    const { clock, closeHalf, ended } = await stage(held);
    await clock.advance(5_000);
    await closeHalf();
    await clock.advance(0);
    expect(await ended).toMatch(/^HTTP\/1.1 503 /);
  });

  it('has no connection any more after a second, whatever the app does', async () => {
    const { clock, closeHalf, ended } = await stage(() => new Promise(() => undefined));
    await closeHalf();
    await clock.advance(1_000);
    expect(await ended).toBe('');
    expect(clock.pending).toBe(0);
  });
});

it('an answered caller is not one who hung up', async () => {
  let signal: AbortSignal | undefined;
  const { port } = await start(({ gone }) => {
    signal = gone;
    return Promise.resolve(fine);
  });
  await send(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(signal?.aborted).toBe(false);
});

it('W-S12: one caller has so many connections and no more; others have theirs', async () => {
  const caller = '127.66.0.1';
  const { port } = await start(() => Promise.resolve(fine));
  const first = Array.from({ length: 64 }, () => open(port, caller));
  await Promise.all(first.map(({ socket }) => once(socket, 'connect')));
  expect(await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', caller)).toMatch(/^HTTP\/1.1 429 /);
  expect(await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '127.0.0.2')).toContain('200 OK');
  for (const { socket } of first) socket.destroy();
  await Promise.all(first.map(({ ended }) => ended));
  await expect.poll(() => send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', caller)).toContain('200 OK');
});

it.each<[string, App['respond']]>([
  ['later', () => Promise.reject(new Error('bug'))],
  [
    'at once',
    () => {
      throw new Error('bug');
    },
  ],
])('an app that fails %s is answered 500', async (_, app) => {
  const { port } = await start(app);
  expect(await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toContain('500 The agent failed');
});

describe('an answer that cannot be written', () => {
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  const unwritable = { ...fine, headers: { 'Content-Length': '2', 'X-Bad': 'a\nb' } };
  // Found out once the head is on its way.
  const notBytes = { ...fine, body: 7 as unknown as string };

  it.each([
    ['at once', () => unwritable],
    ['later', () => Promise.resolve(unwritable)],
  ])('is a 500 when nothing of it is out, given %s', async (_, app) => {
    const { port } = await start(app);
    expect(await send(port, request)).toMatch(/^HTTP\/1.1 500 The agent failed/);
    expect(await send(port, request)).toMatch(/^HTTP\/1.1 500 The agent failed/);
  });

  it.each([
    ['at once', () => notBytes],
    ['later', () => Promise.resolve(notBytes)],
  ])('ends the connection when its head is out, and nothing else, given %s', async (_, app) => {
    const { port } = await start(app);
    expect(await send(port, request)).not.toContain('500');
    expect(await send(port, request)).not.toContain('500');
  });
});

it('lets an answer under way be given before it closes, and takes nothing new', async () => {
  const answer = Promise.withResolvers<OutboundResponse>();
  const arrived = Promise.withResolvers<undefined>();
  const server = await start(() => {
    arrived.resolve(undefined);
    return answer.promise;
  });
  const { socket, ended } = open(server.port);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived.promise;
  const closed = server.close(60_000);
  answer.resolve(fine);
  expect(await ended).toContain('Connection: close');
  await closed;
  await expect(probeListener(server)).resolves.toBe(false);
});

it('gives a kept connection its next answer while it closes, and its end with it', async () => {
  const server = await start(() => Promise.resolve(fine));
  const { socket, ended } = open(server.port);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  const closed = server.close(60_000);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [first, second] = (await ended).split('HTTP/1.1 200').slice(1);
  expect([first, second].map((answer) => answer?.includes('Connection: close'))).toEqual([false, true]);
  await closed;
});

it('ends connections that stay idle well before the time is over', async () => {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const server = await start(() => Promise.resolve(fine), { clock });
  const { socket, ended } = open(server.port);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  const closed = server.close(60_000);
  await clock.advance(10_000);
  await ended;
  await closed;
  expect(clock.pending).toBe(0);
});

it('cuts what is still open when the time is over', async () => {
  const arrived = Promise.withResolvers<undefined>();
  const server = await start(() => {
    arrived.resolve(undefined);
    return new Promise(() => undefined);
  });
  const { socket, ended } = open(server.port);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived.promise;
  await server.close(1);
  expect(await ended).toBe('');
});

it('a probe finds a listener that answers as it must, and none other', async () => {
  const good = await start(() => Promise.resolve({ ...fine, status: 400 }));
  const bad = await start(() => Promise.resolve(fine));
  await expect(probeListener(good)).resolves.toBe(true);
  await expect(probeListener(bad)).resolves.toBe(false);
});

it('another agent may listen besides it, and has the port to itself once this one is closed', async () => {
  const older = await start(() => Promise.resolve(fine));
  const newer = await start(() => Promise.resolve({ ...fine, body: 'me' }), { port: older.port });
  expect(newer.port).toBe(older.port);
  await older.close(60_000);
  expect(await send(newer.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/me$/);
});

it('says in each answer who it is, so that the self-test does not take the metadata service for it', async () => {
  const { port } = await start(() => Promise.resolve(fine));
  const answer = await send(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(answer).toContain(`\r\nServer: ${listenerName}\r\n`);
});
