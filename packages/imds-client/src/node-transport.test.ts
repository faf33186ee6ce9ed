// The default transport against servers that do what a metadata service never does.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readBody } from './http-response.ts';
import { createImdsClient } from './client.ts';
import { createNodeTransport } from './node-transport.ts';

const opened: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(async () => {
  for (const { server, sockets } of opened.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
});

/** A server of TCP that treats the text of each request. */
async function serve(treat: (socket: Socket, text: string) => void) {
  const sockets = new Set<Socket>();
  let most = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket
      .on('error', () => undefined)
      .on('close', () => sockets.delete(socket))
      .on('data', (data) => treat(socket, data.toString()));
  });
  opened.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, sockets, most: () => most };
}

const body = JSON.stringify({ access_token: 't', expires_in: '3600' });
const answer = (text: string | Buffer, head = 'Content-Type: application/json') =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\nContent-Length: ${text.length}\r\n\r\n`),
    Buffer.from(text),
  ]);
const tokenOf = (endpoint: string) =>
  createImdsClient({ endpoint, maxRetries: 0 }).getToken({ resource: 'r' });

test('sends what IMDS documents, its name, and nothing else', async () => {
  let sent = '';
  const { endpoint } = await serve((socket, text) => {
    sent = text;
    socket.end(answer(body));
  });
  expect(await tokenOf(endpoint)).toMatchObject({ token: 't' });
  expect(sent.split('\r\n')).toEqual([
    'GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=r HTTP/1.1',
    'Metadata: true',
    expect.stringMatching(/^User-Agent: pod-identity-imds-client\/[\d.]+$/),
    'Connection: close',
    `Host: ${new URL(endpoint).host}`,
    '',
    '',
  ]);
});

test.each([undefined, {}])('is refused, with the remedy, in a runtime whose process is %j', (process) => {
  vi.stubGlobal('process', process);
  expect(() => createNodeTransport('http://127.0.0.1')).toThrow(/give a transport, such as fetch$/);
  vi.unstubAllGlobals();
});

test('keeps no connection', async () => {
  const { endpoint, sockets } = await serve((socket) => void socket.write(answer(body)));
  await tokenOf(endpoint);
  await expect.poll(() => sockets.size, { message: 'connections that are open' }).toBe(0);
});

test('has a connection for each request, even if others wait and the service would keep it', async () => {
  const requests = new Map<Socket, number>();
  const { endpoint } = await serve((socket) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    socket.write(answer(body));
  });
  const client = createImdsClient({ endpoint, maxRetries: 0 });
  await Promise.all(Array.from({ length: 12 }, (_, index) => client.getToken({ resource: `${index}` })));
  expect([...requests.values()]).toEqual(Array.from({ length: 12 }, () => 1));
});

describe('an endpoint', () => {
  test.each<[string, string | Buffer, string]>([
    [
      'that redirects',
      'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
      'invalid-response',
    ],
    ['that sends garbage', 'SSH-2.0-OpenSSH_9.6\r\n', 'invalid-response'],
    [
      'that compresses, which nobody asked for',
      answer(gzipSync(body), 'Content-Encoding: gzip'),
      'invalid-response',
    ],
    [
      'that compresses a bomb',
      answer(gzipSync(Buffer.alloc(20_000_000)), 'Content-Encoding: gzip'),
      'invalid-response',
    ],
    [
      'that leaves HTTP',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'unavailable',
    ],
  ])('%s gives no token', async (_, reply, code) => {
    const { endpoint, sockets } = await serve((socket) => void socket.write(reply));
    const error: unknown = await tokenOf(endpoint).catch((one: unknown) => one);
    expect(error).toMatchObject({ code });
    if (code === 'invalid-response') return;
    expect(error).toMatchObject({ reason: expect.stringContaining('ECONNRESET') as unknown });
    await expect.poll(() => sockets.size, { message: 'connections that are open' }).toBe(0);
  });

  test('that compresses is told as such', async () => {
    const { endpoint } = await serve(
      (socket) => void socket.end(answer(gzipSync(body), 'Content-Encoding: gzip')),
    );
    await expect(tokenOf(endpoint)).rejects.toMatchObject({
      reason:
        'the endpoint answered 200 without a JSON object (Content-Encoding: gzip, which was not asked for)',
    });
  });

  test('whose response comes in parts gives the token', async () => {
    const parts = [body.slice(0, 9), body.slice(9, 20), body.slice(20)];
    const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
    const { endpoint } = await serve((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    });
    expect(await tokenOf(endpoint)).toMatchObject({ token: 't' });
  });

  test('whose response has many parts is read in their order', async () => {
    const large = Buffer.alloc(
      1_000_000,
      Uint8Array.from({ length: 251 }, (_, at) => at),
    );
    const { endpoint } = await serve((socket) => void socket.end(answer(large)));
    const init = {
      method: 'GET',
      headers: {},
      redirect: 'manual',
      signal: new AbortController().signal,
    } as const;
    const response = await createNodeTransport(endpoint)(`${endpoint}/`, init);
    const parts: Uint8Array[] = [];
    for await (const part of response.body ?? []) parts.push(part);
    expect(large.equals(Buffer.concat(parts))).toBe(true);
  });

  test('whose response breaks off before anybody reads it does not end the program', async () => {
    const { endpoint } = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', () => socket.destroy());
    });
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal } as const;
    expect(await createNodeTransport(endpoint)(`${endpoint}/`, init)).toMatchObject({ status: 200 });
    await expect.poll(() => removed.mock.calls.length, { message: 'listeners that are removed' }).toBe(1);
  });

  test('of https is asked by TLS, with its name', async () => {
    let hello = '';
    const { endpoint } = await serve((socket, text) => {
      hello += text;
      socket.destroy();
    });
    const { port } = new URL(endpoint);
    await expect(tokenOf(`https://localhost:${port}`)).rejects.toMatchObject({ code: 'unavailable' });
    // A handshake, with the name of the server.
    expect([hello.charCodeAt(0), hello.includes('localhost')]).toEqual([0x16, true]);
  });

  test('may send as many bytes as the limit', async () => {
    const { endpoint } = await serve((socket) => void socket.end(answer(body)));
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal } as const;
    const response = await createNodeTransport(endpoint)(`${endpoint}/`, init);
    expect(await readBody(response, { endpoint, limit: body.length })).toHaveLength(body.length);
    await expect.poll(() => removed.mock.calls.length, { message: 'listeners that are removed' }).toBe(1);
  });

  test('that sends half a body gives no token', async () => {
    const { endpoint } = await serve((socket) => {
      socket.end(answer(body).subarray(0, -5));
    });
    await expect(tokenOf(endpoint)).rejects.toMatchObject({
      code: 'unavailable',
      reason: expect.stringContaining(
        'ECONNRESET, the connection was closed before the response was complete',
      ),
    });
  });

  test('that sends without end is read up to 64 KiB, and the connection is closed', async () => {
    let sent = 0;
    const { endpoint, sockets } = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const send = () => {
        for (let isTaken = true; isTaken && !socket.destroyed; sent += 1024)
          isTaken = socket.write('x'.repeat(1024));
      };
      socket.on('drain', send);
      send();
    });
    await expect(tokenOf(endpoint)).rejects.toMatchObject({
      code: 'invalid-response',
      reason: `${endpoint} answered more than 65536 bytes: it is no metadata service`,
    });
    await expect.poll(() => sockets.size, { message: 'connections that are open' }).toBe(0);
  });

  test('that nobody serves is told as such', async () => {
    const { endpoint } = await serve(() => undefined);
    const [last] = opened.splice(0);
    last!.server.close();
    await once(last!.server, 'close');
    await expect(tokenOf(endpoint)).rejects.toMatchObject({
      code: 'unavailable',
      reason: `${endpoint} cannot be reached: ECONNREFUSED, nothing listens there`,
    });
  });

  test('that hangs up after an abort leaves nothing behind', async () => {
    const { promise: isAsked, resolve } = Promise.withResolvers<undefined>();
    const { endpoint, sockets } = await serve(() => resolve(undefined));
    const controller = new AbortController();
    const getting = createImdsClient({ endpoint }).getToken({
      resource: 'r',
      abortSignal: controller.signal,
    });
    await isAsked;
    controller.abort();
    await expect(getting).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => sockets.size, { message: 'connections that are open' }).toBe(0);
  });

  test('is not asked once the signal is aborted', async () => {
    const { endpoint, most } = await serve(() => undefined);
    const init = { method: 'GET', headers: {}, redirect: 'manual' } as const;
    const asking = createNodeTransport(endpoint)(endpoint, { ...init, signal: AbortSignal.abort() });
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' });
    expect(most()).toBe(0);
  });
});
