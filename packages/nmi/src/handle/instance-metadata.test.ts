import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { inbound } from '../../test/builders.ts';
import { createMetadataReader, type MetadataRoute } from './instance-metadata.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

const start = async (answer: RequestListener, allowed = new Set(['instance'])) => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const rules = { metadataHeaderRequired: true, allowedHosts: new Set<string>() };
  const proxy = createMetadataReader({
    read: (_, task) => task(),
    tenantAt: (address) => ({ namespace: 'default', pod: address }),
    upstream: `http://127.0.0.1:${port}`,
    ...rules,
    allowed,
  });
  closers.push(() => {
    proxy.close();
    server.closeAllConnections();
    server.close();
    return Promise.resolve();
  });
  return { proxy, seen };
};

const route: MetadataRoute = {
  kind: 'metadata',
  family: 'instance',
  path: '/metadata/instance',
  query: 'api-version=1',
};

it('passes path and query on and nothing else of the request', async () => {
  const { proxy, seen } = await start((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'X-Secret': '1' });
    response.end('{}');
  });
  const headers = { metadata: 'true', cookie: 'a', authorization: 'Bearer x', host: 'localhost:99' };
  const outcome = await proxy.handle(inbound('', { headers }), route);
  expect(outcome).toMatchObject({ kind: 'proxied', status: 200, contentType: 'application/json' });
  expect(seen[0]?.url).toBe('/metadata/instance?api-version=1');
  expect(seen[0]?.headers).toMatchObject({ metadata: 'true' });
  for (const name of ['cookie', 'authorization', 'x-forwarded-for'])
    expect(seen[0]?.headers[name]).toBeUndefined();
  expect(seen[0]?.headers.host).not.toContain('localhost');
});

it('of the answer hands on how to read it and when to ask again, no other header', async () => {
  const { proxy } = await start((_, response) => {
    response.writeHead(429, {
      'Content-Type': 'text/x',
      'Retry-After': '7',
      'Set-Cookie': 'a=b',
      Server: 'x',
    });
    response.end('later');
  });
  await expect(proxy.handle(inbound(''), route)).resolves.toEqual({
    kind: 'proxied',
    status: 429,
    contentType: 'text/x',
    retryAfter: '7',
    body: Buffer.from('later'),
  });
});

it('takes a status that is none for no answer', async () => {
  const { proxy } = await start((_, response) => {
    response.socket?.end('HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n');
  });
  await expect(proxy.handle(inbound(''), route)).resolves.toEqual({
    kind: 'proxy-failed',
    why: 'unavailable',
  });
});

it('follows no redirect: it is the caller’s to see', async () => {
  const { proxy, seen } = await start((_, response) => {
    response.writeHead(302, { Location: '/metadata/identity/oauth2/token' });
    response.end();
  });
  await expect(proxy.handle(inbound(''), route)).resolves.toMatchObject({ kind: 'proxied', status: 302 });
  expect(seen).toHaveLength(1);
});

it.each([
  ['without Metadata header', { headers: {} }, route, { kind: 'bad-request' }],
  [
    'that means another host',
    { headers: { metadata: 'true', host: 'evil.example' } },
    route,
    { kind: 'bad-request', problem: { why: 'foreign-host' } },
  ],
  ['that would change something', { method: 'POST' }, route, { kind: 'bad-method' }],
  [
    'for what is not allowed',
    {},
    { ...route, family: 'attested' as const },
    { kind: 'blocked', family: 'attested' },
  ],
])('asks nobody for a request %s', async (...[, over, to, expected]) => {
  const { proxy, seen } = await start((_, response) => response.end());
  await expect(proxy.handle(inbound('', over), to)).resolves.toMatchObject(expected);
  expect(seen).toHaveLength(0);
});

it('W-C17: does not swallow an answer without end', async () => {
  const { proxy } = await start((_, response) => {
    const part = Buffer.alloc(300_000);
    const more = () => {
      if (!response.destroyed && response.write(part)) setImmediate(more);
    };
    response.on('drain', more);
    response.on('error', () => undefined);
    more();
  });
  await expect(proxy.handle(inbound(''), route)).resolves.toEqual({ kind: 'proxy-failed', why: 'too-large' });
});

it('says that the metadata service is not there', async () => {
  const { proxy } = await start((_, response) => response.destroy());
  await expect(proxy.handle(inbound(''), route)).resolves.toEqual({
    kind: 'proxy-failed',
    why: 'unavailable',
  });
});

it("the machine's user data reaches no pod: neither asked for by itself nor in the answer about all of it", async () => {
  const { proxy, seen } = await start((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ compute: { name: 'vm', userData: 'c2VjcmV0' } }));
  });
  const ask = (path: string) =>
    proxy.handle(inbound('', { headers: { metadata: 'true' } }), { ...route, path });
  expect(await ask('/metadata/instance/compute/userData')).toEqual({ kind: 'blocked', family: 'userdata' });
  expect(seen).toEqual([]);
  const whole = await ask('/metadata/instance');
  expect(whole).toMatchObject({ kind: 'proxied', status: 200 });
  expect(whole.kind === 'proxied' && whole.body.toString()).toBe('{"compute":{"name":"vm"}}');
});
