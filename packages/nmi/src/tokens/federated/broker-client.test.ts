import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type Server } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { makeCertificate, whyNoCertificates } from '../../../test/certificates.ts';
import { createCertificate, lifeMs, type OwnCertificate } from '../../broker/roster/certificate.ts';
import type { RosterEntry } from '../../broker/roster/entry.ts';
import { createBrokerClient, type BrokerClient } from './broker-client.ts';

const pod = { namespace: 'shop', name: 'web-1', uid: 'u-1' };
const request = { pod, tenant: 'tenant', clientId: 'client', resource: 'https://vault.azure.net' };
const issued = '{"access_token":"t.o.k","expires_on":2000000000,"client_id":"client"}';
const token = { kind: 'token', token: 't.o.k', expiresOn: 2_000_000_000, clientId: 'client' };

const sockets = new Set<Socket>();
const servers: NetServer[] = [];
const clients: BrokerClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) await stop(server);
});

async function stop(server: NetServer): Promise<void> {
  for (const socket of sockets) socket.destroy();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
}

let own: OwnCertificate;
let other: OwnCertificate;
beforeAll(() => {
  own = createCertificate('broker-a', Date.now());
  other = createCertificate('broker-a', Date.now());
});

async function listen<S extends NetServer>(server: S): Promise<{ server: S; port: number }> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const good: RequestListener = (_, response) => response.end(issued);
const serve = async (listener: RequestListener = good, { key, certificate }: OwnCertificate = own) =>
  listen<Server>(createTlsServer({ key, cert: certificate }, listener));
const at = (port: number, ...certificates: readonly OwnCertificate[]): RosterEntry => ({
  uid: `of ${port}`,
  address: '127.0.0.1',
  port,
  certificates: (certificates.length > 0 ? certificates : [own]).map(({ certificate }) => certificate),
});

function clientOf(replicas: () => readonly RosterEntry[]) {
  const clock = createFakeClock();
  const readToken = () => Promise.resolve('a.b.c');
  const client = createBrokerClient({
    replicas: () => Promise.resolve(replicas()),
    readToken,
    clock,
    random: () => 0,
  });
  clients.push(client);
  return { client, clock };
}
const send = (...replicas: readonly RosterEntry[]) => clientOf(() => replicas).client.request(request);

it('posts the request with the token of NMI', async () => {
  const seen: unknown[] = [];
  const { port } = await serve((message, response) => {
    let body = '';
    message.on('data', (part) => (body += String(part)));
    message.on('end', () => {
      seen.push(message.method, message.url, message.headers.authorization, JSON.parse(body));
      response.end(issued);
    });
  });
  await expect(send(at(port))).resolves.toEqual(token);
  expect(seen).toEqual(['POST', '/v1/token', 'Bearer a.b.c', request]);
});

it('returns a refusal with Retry-After and command', async () => {
  const { port } = await serve((_, response) => {
    response.writeHead(503, { 'retry-after': '7' });
    response.end('{"error":"credential_missing","message":"no","credential":"az identity"}');
  });
  await expect(send(at(port))).resolves.toEqual({
    kind: 'refusal',
    code: 'credential_missing',
    message: 'no',
    credential: 'az identity',
    retryAfterSeconds: 7,
  });
});

it('trusts both certificates of a renewal', async () => {
  const { server, port } = await serve();
  const { client } = clientOf(() => [at(port, other, own)]);
  await expect(client.request(request)).resolves.toEqual(token);
  server.setSecureContext({ key: other.key, cert: other.certificate });
  server.closeAllConnections();
  await expect(send(at(port, other))).resolves.toEqual(token);
});

it('fails if no replica is known', async () => {
  await expect(send()).rejects.toThrow('no replica of the broker is known');
});

/** The server must not have read a request, with the token of NMI in it. */
const unread =
  (seen: string[]): RequestListener =>
  (message, response) => {
    seen.push(message.url ?? '');
    response.end(issued);
  };

it('attack: another certificate gets no token of NMI', async () => {
  const seen: string[] = [];
  const { port } = await serve(unread(seen), other);
  await expect(send(at(port))).rejects.toThrow('self-signed certificate');
  expect(seen).toEqual([]);
});

it.skipIf(whyNoCertificates !== undefined)(
  'attack: nor does a certificate that was issued by one in the ConfigMap',
  async () => {
    const { key, certificate, issuers } = makeCertificate('p256', { isIssued: true });
    const seen: string[] = [];
    const { port } = await serve(unread(seen), { key, certificate: [certificate, ...issuers].join('') });
    await expect(send({ ...at(port), certificates: issuers })).rejects.toThrow(
      'none of those in the ConfigMap',
    );
    expect(seen).toEqual([]);
  },
);

it('attack: nor does an expired one, although it is in the ConfigMap', async () => {
  const expired = createCertificate('broker-a', Date.now() - lifeMs - 1000);
  const seen: string[] = [];
  const { port } = await serve(unread(seen), expired);
  await expect(send(at(port, expired))).rejects.toThrow('certificate has expired');
  expect(seen).toEqual([]);
});

it('attack: nor does a server without TLS', async () => {
  const seen: string[] = [];
  const { port } = await listen(createHttpServer(unread(seen)));
  await expect(send(at(port))).rejects.toThrow();
  expect(seen).toEqual([]);
});

it('attack: a certificate that is no certificate fails like a replica that is away', async () => {
  const { port } = await serve();
  const broken = {
    ...at(port),
    certificates: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  };
  await expect(send(broken)).rejects.toThrow();
  await expect(send(broken, at(port))).resolves.toEqual(token);
});

it('attack: a connection that was kept is not used once its certificate has left the ConfigMap', async () => {
  const { port } = await serve();
  let replicas = [at(port)];
  const { client } = clientOf(() => replicas);
  await client.request(request);
  replicas = [at(port, other)];
  await expect(client.request(request)).rejects.toThrow('self-signed certificate');
});

it.each<[string, RequestListener]>([
  [
    'an endless body',
    (_, response) => {
      endless(response.writeHead(200));
    },
  ],
  ['a body of 64 KiB and a byte', (_, response) => response.end(`"${'x'.repeat(64 * 1024 - 1)}"`)],
  [
    'half a body',
    (_, response) =>
      response.writeHead(200, { 'content-length': 900 }).write(issued, () => response.destroy()),
  ],
  ['a redirect', (_, response) => response.writeHead(307, { location: 'https://127.0.0.1:1/' }).end(issued)],
  [
    'a switch of protocols',
    (_, response) => response.writeHead(101, { upgrade: 'x', connection: 'upgrade' }).end(),
  ],
  ['a reset', ({ socket }) => void socket.destroy()],
  ['a page of a proxy', (_, response) => response.end('<html>')],
  ['no text', (_, response) => response.writeHead(204).end()],
  ['not_ready', (_, response) => response.writeHead(503).end('{"error":"not_ready","message":"starting"}')],
])('attack: after %s the other replica is dialled; without one the request fails', async (_, listener) => {
  const { port } = await serve(listener);
  const { port: second } = await serve();
  await expect(send(at(port))).rejects.toThrow();
  await expect(send(at(port), at(second))).resolves.toEqual(token);
});

function endless(response: { write(part: string, after: (error?: Error | null) => void): unknown }): void {
  response.write('x'.repeat(16 * 1024), (error) => {
    if (!error) endless(response);
  });
}

it('no request fails when a replica is killed, which is dialled last for 30 seconds', async () => {
  let dialled = 0;
  let isDown = true;
  const dead = await serve();
  dead.server.on('connection', (socket: Socket) => {
    dialled += 1;
    if (isDown) socket.destroy();
  });
  const { port } = await serve();
  const { client, clock } = clientOf(() => [at(dead.port), at(port)]);
  const counts: number[] = [];
  const count = async () => {
    await expect(client.request(request)).resolves.toEqual(token);
    counts.push(dialled);
  };
  await count();
  isDown = false;
  await count();
  await clock.advance(30_000);
  await count();
  expect(counts).toEqual([1, 1, 2]);
});

it('attack: a server that accepts connections and no TLS costs 3 seconds, then the next one is dialled', async () => {
  const connected = Promise.withResolvers<undefined>();
  const { port } = await listen(createTcpServer({ allowHalfOpen: true }, () => connected.resolve(undefined)));
  const { port: second } = await serve();
  const { client, clock } = clientOf(() => [at(port), at(second)]);
  const response = client.request(request);
  await connected.promise;
  await clock.advance(3_000);
  await expect(response).resolves.toEqual(token);
});

it('attack: a replica that gives no response fails the request after 15 seconds', async () => {
  const received = Promise.withResolvers<undefined>();
  const { port } = await serve(() => received.resolve(undefined));
  const { port: second } = await serve();
  const { client, clock } = clientOf(() => [at(port), at(second)]);
  const response = client.request(request);
  const failed = expect(response).rejects.toThrow('no response of the broker within 15 s');
  await received.promise;
  await clock.advance(15_000);
  await failed;
});

it('a token of NMI that cannot be read fails the request', async () => {
  const readToken = () => Promise.reject(new Error('ENOENT'));
  const client = createBrokerClient({
    replicas: () => Promise.resolve([]),
    readToken,
    clock: createFakeClock(),
    random: () => 0,
  });
  await expect(client.request(request)).rejects.toThrow('ENOENT');
});
