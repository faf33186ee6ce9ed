import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { createEntraHttp, type EntraHttp } from './entra-http.ts';

const servers: Server[] = [];
const doors: EntraHttp[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const door of doors.splice(0)) door.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

function open(options: Parameters<typeof createEntraHttp>[0] = {}): EntraHttp {
  const door = createEntraHttp(options);
  doors.push(door);
  return door;
}

const post = async (listener: RequestListener) =>
  open().post({ url: await serve(listener), headers: { 'x-test': 'yes' }, body: 'a=b' });

it('sends headers and body by POST, and answers status and JSON', async () => {
  const seen: unknown[] = [];
  const answer = await post((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      seen.push([request.method, request.headers['x-test'], body]);
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"x"}');
    });
  });
  expect(seen).toEqual([['POST', 'yes', 'a=b']]);
  expect(answer).toEqual({ kind: 'answer', status: 400, retryAfterMs: undefined, body: { error: 'x' } });
});

it('goes through the proxy that the environment names', async () => {
  const url = await serve((_, response) => response.end('{"of":"entra"}'));
  const proxy = await serve((_, response) => response.end('{"of":"proxy"}'));
  vi.stubEnv('HTTP_PROXY', new URL(proxy).origin);
  vi.stubEnv('NO_PROXY', '');
  await expect(open().post({ url, headers: {}, body: '' })).resolves.toMatchObject({ body: { of: 'proxy' } });
});

it.each([
  ['7', 7_000],
  ['120', 120_000],
  ['', undefined],
  ['soon', undefined],
  ['7 s', undefined],
  ['-7', undefined],
  ['1234567', undefined],
])('reads Retry-After: %j as %j milliseconds', async (header, retryAfterMs) => {
  const answer = await post((_, response) => response.writeHead(429, { 'retry-after': header }).end());
  expect(answer).toMatchObject({ status: 429, retryAfterMs });
});

it('an answer that is no JSON is an answer without a body', async () => {
  await expect(post((_, response) => response.end('<html>'))).resolves.toMatchObject({
    kind: 'answer',
    status: 200,
    body: undefined,
  });
});

it('follows no redirect: the secret is sent nowhere else', async () => {
  let requested = 0;
  const elsewhere = await serve((_, response) => {
    requested += 1;
    response.end('{}');
  });
  const answer = await post((_, response) => response.writeHead(307, { location: elsewhere }).end());
  expect([answer, requested]).toMatchObject([{ status: 307 }, 0]);
});

it('an answer of 256 KiB is read, a longer one is none', async () => {
  const long = (bytes: number) => post((_, response) => response.end(`"${'x'.repeat(bytes - 2)}"`));
  await expect(long(256 * 1024)).resolves.toMatchObject({ kind: 'answer' });
  await expect(long(256 * 1024 + 1)).resolves.toEqual({ kind: 'silence' });
});

it.each<[string, RequestListener]>([
  ['a connection that is reset', (request) => request.socket.destroy()],
  [
    'an answer that breaks off',
    (request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('{');
      response.flushHeaders();
      setImmediate(() => request.socket.destroy());
    },
  ],
])('%s is no answer', async (_, listener) => {
  await expect(post(listener)).resolves.toEqual({ kind: 'silence' });
});

it('waits so long for an answer and no longer', async () => {
  const url = await serve(() => undefined);
  await expect(open({ timeoutMs: 1 }).post({ url, headers: {}, body: '' })).resolves.toEqual({
    kind: 'silence',
  });
});

it('that is closed sends nothing more', async () => {
  const url = await serve((_, response) => response.end('{}'));
  const door = open();
  await door.post({ url, headers: {}, body: '' });
  door.close();
  await expect(door.post({ url, headers: {}, body: '' })).resolves.toEqual({ kind: 'silence' });
});

it('an address of a proxy that is none is told, without its password', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://name:secret@[bad');
  const response = await open().post({ url: 'https://127.0.0.1:1/token', headers: {}, body: '' });
  expect(response).toEqual({ kind: 'silence', problem: 'HTTPS_PROXY is not the address of a proxy' });
});
