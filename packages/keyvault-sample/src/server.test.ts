import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressOf, startServer } from './server.ts';

const place = { port: 0, address: '127.0.0.1' };
const health = { ok: true, text: 'ok' };
let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer({ page: () => '<p>page</p>', health: () => health }, place);
});
afterAll(() => void server.close());

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

test('a port that is in use is an error with its code', async () => {
  const { port } = new URL(addressOf(server));
  await expect(
    startServer({ page: () => '', health: () => health }, { ...place, port: Number(port) }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
