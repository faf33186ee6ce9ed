// What NMI asks answers as no server should: every question ends, with a failure, and no connection of it is left.
import { createLimit } from '@pod-identity/kit/core';
import { hostilities, startHostileServer, type Hostility, type HostileServer } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@pod-identity/kit/serve';
import { createCertificate } from '../src/broker/roster/certificate.ts';
import { createMetadataReader, type MetadataRoute } from '../src/handle/instance-metadata.ts';
import { createBrokerClient } from '../src/tokens/federated/broker-client.ts';
import { createMetadataService } from '../src/tokens/metadata/metadata-service.ts';
import { createImdsRequests } from '../src/tokens/metadata/imds-requests.ts';
import { createEntraHttp } from '../src/tokens/principal/entra-http.ts';
import { inbound } from './builders.ts';

let server: HostileServer;
let broker: HostileServer;
const own = createCertificate('broker', Date.now());
beforeAll(async () => {
  server = await startHostileServer();
  broker = await startHostileServer({ key: own.key, cert: own.certificate });
});
afterAll(() => Promise.all([server.close(), broker.close()]));

/** Silence is as good as any: it ends by the deadline. What a slow machine does not answer within it is asked again. */
const timeoutMs = 300;
const token = JSON.stringify({ access_token: 't', expires_in: '3600', resource: 'r', token_type: 'Bearer' });

const instance: MetadataRoute = {
  kind: 'metadata',
  family: 'instance',
  path: '/metadata/instance',
  query: 'api-version=1',
};
/** What is a whole answer all the same is passed on. */
const passedOn: Partial<Record<Hostility, object>> = {
  'redirects elsewhere': { kind: 'proxied', status: 307, body: Buffer.from('') },
  'sends more than it announced': { kind: 'proxied', status: 200, body: Buffer.from('xxxxx') },
};

describe.each(hostilities)('a server that %s', (script) => {
  it('as metadata service gives no token, and all places back', async () => {
    const metadata = createMetadataService(server.url);
    const imds = createImdsRequests({ endpoint: server.url, metadata, clock: systemClock, timeoutMs });
    const inTurn = createLimit(5);
    server.play(script);
    const asking = Array.from({ length: 10 }, (_, index) =>
      inTurn(() => imds.getToken({ resource: `${index}` })),
    );
    for (const { status } of await Promise.allSettled(asking)) expect(status).toBe('rejected');
    await server.quiet();
    server.play({ json: token });
    await expect.poll(() => inTurn(() => imds.getToken({ resource: 'r' }))).toMatchObject({ token: 't' });
    metadata.close();
  });

  it('as metadata service for what NMI passes on gives a whole answer or none, and all places back', async () => {
    const inTurn = createLimit(5);
    const proxy = createMetadataReader({
      upstream: server.url,
      timeoutMs,
      allowed: new Set(['instance']),
      metadataHeaderRequired: true,
      allowedHosts: new Set<string>(),
      tenantAt: (pod) => ({ namespace: 'default', pod }),
      read: (_, task) => inTurn(task),
    });
    const ask = () => proxy.handle(inbound('', { headers: { metadata: 'true' } }), instance);
    server.play(script);
    const outcomes = await Promise.all(Array.from({ length: 10 }, ask));
    const expected = passedOn[script] ?? { kind: 'proxy-failed' };
    for (const outcome of outcomes) expect(outcome).toMatchObject(expected);
    await server.quiet();
    server.play({ json: '{}' });
    await expect.poll(ask).toMatchObject({ kind: 'proxied', status: 200, body: Buffer.from('{}') });
    proxy.close();
  });

  it('as login endpoint gives no token, and the place back', async () => {
    const entra = createEntraHttp({ timeoutMs });
    server.play(script);
    const post = { url: `${server.url}/token`, headers: {}, body: 'secret' };
    const answers = await Promise.all(Array.from({ length: 16 }, () => entra.post(post)));
    for (const answer of answers)
      if (answer.kind === 'answer')
        expect([answer.status === 200, answer.body]).not.toEqual([true, expect.anything()]);
    server.play({ json: token });
    await expect.poll(() => entra.post(post)).toMatchObject({ status: 200, body: { access_token: 't' } });
    entra.close();
    await server.quiet();
  });

  it('as broker gives no token, and all connections back', async () => {
    const [address, port] = [new URL(broker.url).hostname, Number(new URL(broker.url).port)];
    const replica = { uid: 'u', address, port, certificates: [own.certificate] };
    const patience = { longestMs: timeoutMs };
    const client = createBrokerClient({
      replicas: () => Promise.resolve([replica]),
      readToken: () => Promise.resolve('a.b.c'),
      clock: { ...systemClock, after: (ms, run) => systemClock.after(Math.min(ms, patience.longestMs), run) },
      random: () => 0,
    });
    const pod = { namespace: 'shop', name: 'web', uid: 'u' };
    const ask = () => client.request({ pod, tenant: 't', clientId: 'c', resource: 'r' });
    broker.play(script);
    for (const { status } of await Promise.allSettled(Array.from({ length: 8 }, ask)))
      expect(status).toBe('rejected');
    patience.longestMs = Infinity;
    broker.play({ json: '{"access_token":"t","expires_on":2000000000,"client_id":"c"}' });
    await expect(ask()).resolves.toMatchObject({ kind: 'token', token: 't' });
    client.close();
    await broker.quiet();
  });
});

it('no redirect was followed', () => {
  expect(server.asked.length).toBeGreaterThan(hostilities.length);
  expect([...server.asked, ...broker.asked].filter((line) => line.includes('elsewhere'))).toEqual([]);
});
