import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { sendRequest, systemClock, type HttpRequest } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import type { BrokerCall } from './broker.ts';
import { createCertificate } from '../broker/roster/certificate.ts';
import { startBrokerServer, type BrokerServer, type BrokerServerOptions } from './server.ts';
import { httpResponse, readResponse, type BrokerResponse } from '../broker/wire.ts';

const token: BrokerResponse = { kind: 'token', token: 'a.b.c', expiresOn: 1_800_000_000, clientId: 'c' };

const own = createCertificate('broker-0', Date.now());
const next = createCertificate('broker-0', Date.now());
const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const start = async (
  respond: (call: BrokerCall) => Promise<BrokerResponse> = () => Promise.resolve(token),
  over: Partial<BrokerServerOptions> = {},
) => {
  const calls: BrokerCall[] = [];
  const crashes: unknown[] = [];
  const server = await startBrokerServer({
    port: 0,
    tls: own,
    broker: {
      respond: (call) => {
        calls.push(call);
        return respond(call);
      },
    },
    clock: systemClock,
    onLimited: () => undefined,
    onResponse: () => undefined,
    onCrash: (error) => crashes.push(error),
    ...over,
  });
  ended.push(() => server.close(0));
  return { calls, crashes, server };
};

const send = ({ port }: BrokerServer, body: string, over: Partial<HttpRequest> = {}) =>
  sendRequest({
    protocol: 'https:',
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/v1/token',
    rejectUnauthorized: false,
    body,
    signal: AbortSignal.timeout(60_000),
    longestBody: 1024 * 1024,
    ...over,
  });

/** A request that the test ends before its response. */
const begin = ({ port }: BrokerServer) => {
  const to = { host: '127.0.0.1', port, method: 'POST', path: '/v1/token' };
  const request = httpsRequest({ ...to, rejectUnauthorized: false, agent: false });
  request.on('error', () => undefined).end('{}');
  return request;
};

const open = async (port: number, localAddress: string): Promise<Socket> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  socket.on('error', () => undefined);
  ended.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
};

/** Unlike `once`, an error does not end it. */
const closed = (one: NodeJS.EventEmitter) => new Promise<void>((resolve) => void one.once('close', resolve));

it('responds over TLS, with its own certificate', async () => {
  const { calls, server } = await start();
  const headers = { authorization: 'Bearer x.y.z' };
  const {
    status,
    headers: got,
    body = '',
  } = await send(server, '{}', {
    headers,
    ca: own.certificate,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
  });
  expect(readResponse({ status, retryAfter: undefined, body })).toEqual(token);
  expect(got['cache-control']).toBe('no-store');
  expect(calls).toMatchObject([{ token: 'x.y.z', body: '{}', peer: '127.0.0.1' }]);
});

it.each([[undefined], ['Basic eDp5'], ['Bearer '], ['Bearer x y'], ['XBearer x.y.z'], ['Bearer x.y.z z']])(
  'takes no token of Authorization: %s',
  async (authorization) => {
    const { calls, server } = await start();
    await send(server, '', authorization === undefined ? {} : { headers: { authorization } });
    expect(calls).toMatchObject([{ token: '' }]);
  },
);

it.each<[string, Partial<HttpRequest>, number]>([
  ['another method', { method: 'GET' }, 400],
  ['another path', { path: '/v1/token/../admin' }, 400],
  ['a body that is too long', { body: 'x'.repeat(4_097) }, 400],
])('refuses %s, unread', async (_, over, status) => {
  const { calls, server } = await start();
  await expect(send(server, '', over)).resolves.toMatchObject({ status });
  expect(calls).toEqual([]);
});

it('attack: of a token longer than those of NMI nothing is kept while it waits for its review', async () => {
  const { calls, server } = await start();
  const headers = { authorization: `Bearer a.${'b'.repeat(8_000)}.c` };
  expect(await send(server, '{}', { headers })).toMatchObject({ status: 400 });
  expect(calls).toEqual([]);
});

it('attack: a body without end is cut off', async () => {
  const { calls, server } = await start();
  const request = httpsRequest({
    host: '127.0.0.1',
    port: server.port,
    method: 'POST',
    path: '/v1/token',
    rejectUnauthorized: false,
    agent: false,
  });
  const end = closed(request);
  request.on('error', () => undefined).write('x'.repeat(8_192));
  await end;
  expect(calls).toEqual([]);
});

it('attack: without TLS there is no response', async () => {
  const { calls, server } = await start();
  const socket = await open(server.port, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('data', (part) => received.push(part));
  const end = closed(socket);
  socket.write('POST /v1/token HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}');
  await end;
  expect(Buffer.concat(received).toString('latin1')).not.toContain('HTTP/');
  expect(calls).toEqual([]);
});

it('attack: handshakes that never end, of many addresses, keep nobody from a response', async () => {
  const { server } = await start();
  for (let group = 0; group < 30; group += 1)
    await Promise.all(Array.from({ length: 20 }, () => open(server.port, `127.0.1.${group + 1}`)));
  await expect(send(server, '{}', { localAddress: '127.0.2.1' })).resolves.toMatchObject({ status: 200 });
});

it('attack: handshakes without end, which cost a millisecond each, leave an address ten at once, and NMIs theirs', async () => {
  const limited: string[] = [];
  const flooded = Promise.withResolvers<undefined>();
  const { server } = await start(undefined, {
    clock: createFakeClock(),
    onLimited: (effect, peer) => {
      limited.push(`${effect} ${peer.startsWith('127.1.') ? 'flood' : peer}`);
      if (limited.length === 400) flooded.resolve(undefined);
    },
  });
  for (let index = 0; index < 600; index += 1) await open(server.port, `127.1.0.${1 + (index % 20)}`);
  await flooded.promise;
  for (let count = 0; count < 9; count += 1)
    expect(await send(server, '{}', { localAddress: '127.9.9.9' })).toMatchObject({ status: 200 });
  expect(new Set(limited)).toEqual(new Set(['turned-away flood']));
  // 10 of each address.
  expect(limited).toHaveLength(600 - 20 * 10);
});

it('a caller that leaves is noticed', async () => {
  const left = Promise.withResolvers<undefined>();
  const { crashes, server } = await start(
    ({ gone }) =>
      new Promise((resolve) => {
        gone.addEventListener('abort', () => {
          left.resolve(undefined);
          resolve(token);
        });
        request.destroy();
      }),
  );
  const request = begin(server);
  await left.promise;
  expect(crashes).toEqual([]);
});

it('each response is counted, and says when to come again if that helps', async () => {
  const counted: BrokerResponse[] = [];
  const busy = { kind: 'refusal', code: 'not_ready', message: 'starting' } as const;
  const given: BrokerResponse[] = [token, busy];
  const { server } = await start(() => Promise.resolve(given.shift() ?? token), {
    onResponse: (response) => void counted.push(response),
  });
  const [first, second] = [await send(server, '{}'), await send(server, '{}')];
  expect([first.headers['retry-after'], second.headers['retry-after']]).toEqual([undefined, '1']);
  expect(second.headers['content-type']).toContain('application/json');
  expect(counted).toEqual([token, busy]);
});

it('a connection serves any number of requests, and ends after one that no NMI sends', async () => {
  const { server } = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  ended.push(() => agent.destroy());
  const kept = await send(server, '{}', { agent });
  expect(kept.headers.connection).not.toBe('close');
  const odd = await send(server, '{}', { agent, method: 'PUT' });
  expect(odd).toMatchObject({ status: 400, headers: { connection: 'close' } });
  const { server: failing } = await start(() => Promise.reject(new Error('no')));
  const keeping = { agent: new Agent({ keepAlive: true }) };
  ended.push(() => keeping.agent.destroy());
  expect(await send(failing, '{}', keeping)).toMatchObject({ status: 503, headers: { connection: 'close' } });
});

it('an address that asks too often is told so, and its connection ends', async () => {
  const { calls, server } = await start(undefined, { clock: createFakeClock() });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  ended.push(() => agent.destroy());
  const localAddress = '127.66.0.1';
  // Its connection counts as 25 of 250, with the first request.
  for (let count = 0; count < 226; count += 1) await send(server, '{}', { agent, localAddress });
  const last = await send(server, '{}', { agent, localAddress });
  expect(last).toMatchObject({ status: 429, headers: { connection: 'close' } });
  expect(last.headers['retry-after']).toBeDefined();
  expect(calls).toHaveLength(226);
});

it('a body of 4 KiB is read', async () => {
  const { calls, server } = await start();
  expect(await send(server, 'x'.repeat(4_096))).toMatchObject({ status: 200 });
  expect(calls[0]?.body).toHaveLength(4_096);
});

it('a failure is logged, and told without its text', async () => {
  const { crashes, server } = await start(() => Promise.reject(new Error('the token is a.b.c')));
  const { status, body: text } = await send(server, '{}');
  expect(status).toBe(503);
  expect(text).not.toContain('a.b.c');
  expect(crashes).toHaveLength(1);
});

it('nothing is logged of a failure for a caller that has left', async () => {
  const left = Promise.withResolvers<undefined>();
  const failed = Promise.withResolvers<undefined>();
  const { crashes, server } = await start(({ gone }) => {
    gone.addEventListener('abort', () => left.resolve(undefined));
    request.destroy();
    return left.promise.then(() => {
      failed.resolve(undefined);
      throw new Error('nobody waits');
    });
  });
  const request = begin(server);
  await failed.promise;
  await server.close(0);
  expect(crashes).toEqual([]);
});

it('a caller that has its response is not one that left', async () => {
  let isGone = false;
  const { server } = await start(({ gone }) => {
    gone.addEventListener('abort', () => (isGone = true));
    return Promise.resolve(token);
  });
  await send(server, '{}');
  await server.close(0);
  expect(isGone).toBe(false);
});

it('at its end connections are closed whose requests are not answered in time', async () => {
  const begun = Promise.withResolvers<undefined>();
  const clock = createFakeClock();
  const { server } = await start(
    () => {
      begun.resolve(undefined);
      return new Promise(() => undefined);
    },
    { clock },
  );
  const response = send(server, '{}').catch(String);
  await begun.promise;
  const end = server.close(15_000);
  await clock.advance(15_000);
  await end;
  expect(await response).toMatch(/socket hang up|ECONNRESET/);
});

it('new connections get the renewed certificate, and old ones go on', async () => {
  const { server } = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  ended.push(() => agent.destroy());
  await send(server, '{}', { agent });
  server.renew(next);
  await expect(send(server, '{}', { agent })).resolves.toMatchObject({ status: 200 });
  const socket: TLSSocket = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  expect(socket.getPeerX509Certificate()?.toString()).toBe(next.certificate);
  socket.destroy();
});

it('ends when its requests are answered', async () => {
  const answer = Promise.withResolvers<BrokerResponse>();
  const begun = Promise.withResolvers<undefined>();
  const { server } = await start(() => {
    begun.resolve(undefined);
    return answer.promise;
  });
  const response = send(server, '{}');
  await begun.promise;
  const end = server.close(60_000);
  answer.resolve(token);
  await expect(response).resolves.toMatchObject({ status: 200, body: httpResponse(token).body });
  await end;
});
