import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { createHttpClient, openRequest, sendRequest } from './http-client.ts';

const servers: Server[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path?a=b`);
}

const endOf = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => 'answered',
    (error: unknown) => String(error),
  );
const settings = { maxSockets: 2, idleMs: 5_000 };
const get = { method: 'GET', headers: {}, longestBody: 100 };

it('resolves with status, headers and the whole body, and tells the length of what it sends, also for DELETE', async () => {
  const received: unknown[] = [];
  const url = await serve(({ method, url: target, headers }, response) => {
    received.push([method, target, headers['content-length'], headers['x-test']]);
    response.writeHead(418, { 'x-name': 'value' }).end('tea');
  });
  const client = createHttpClient(settings);
  const { signal } = new AbortController();
  const sent = { ...get, method: 'DELETE', headers: { 'x-test': 'yes' }, body: 'ä', signal };
  const response = await client.send(url, sent);
  client.close();
  expect(response).toMatchObject({ status: 418, headers: { 'x-name': 'value' }, body: 'tea' });
  expect(received).toEqual([['DELETE', '/path?a=b', '2', 'yes']]);
});

it('has no body for a response that is longer than allowed', async () => {
  const url = await serve((_, response) => response.end('x'.repeat(101)));
  const { hostname, port } = url;
  const { signal } = new AbortController();
  const response = sendRequest({ hostname, port, longestBody: 100, signal });
  await expect(response).resolves.toMatchObject({ status: 200, body: undefined });
});

it('a request without an agent has a connection of its own, which ends with it', async () => {
  const ports: unknown[] = [];
  const { hostname, port } = await serve(({ socket, headers }, response) => {
    ports.push(socket.remotePort, headers.connection);
    response.end();
  });
  const once = () => sendRequest({ hostname, port, longestBody: 0, signal: new AbortController().signal });
  await once();
  await once();
  expect(new Set(ports).size).toBe(3);
  expect(ports).toContain('close');
});

it('a redirect is a response', async () => {
  const url = await serve((_, response) =>
    response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
  );
  const client = createHttpClient(settings);
  const { signal } = new AbortController();
  await expect(client.send(url, { ...get, signal })).resolves.toMatchObject({ status: 307 });
  client.close();
});

it('a request whose signal is aborted already is not sent', async () => {
  let received = 0;
  const { hostname, port } = await serve(() => (received += 1));
  const { response } = openRequest({ hostname, port, signal: AbortSignal.abort(new Error('over')) });
  await expect(response).rejects.toThrow('over');
  expect(received).toBe(0);
});

it('ends a request with its signal while all connections are in use', async () => {
  const url = await serve(() => undefined);
  const client = createHttpClient(settings);
  const send = ({ signal }: AbortController) =>
    endOf(client.send(url, { ...get, method: 'PATCH', body: '{}', signal }));
  const others = new AbortController();
  const inUse = Array.from({ length: settings.maxSockets }, () => send(others));
  const late = new AbortController();
  const waiting = send(late);
  late.abort(new Error('time is up'));
  await expect(waiting).resolves.toBe('Error: time is up');
  others.abort(new Error('over'));
  await Promise.all(inUse);
  client.close();
});

it('fails all requests when it is closed: running ones, those that wait for a connection, and later ones', async () => {
  const url = await serve(() => undefined);
  const client = createHttpClient(settings);
  const { signal } = new AbortController();
  const send = () => endOf(client.send(url, { ...get, signal }));
  const before = Array.from({ length: settings.maxSockets + 1 }, send);
  client.close();
  const ends = await Promise.all([...before, send()]);
  expect(new Set(ends)).toEqual(new Set(['Error: the connections are closed']));
});

/** Tunnels to any address, and notes which. */
async function serveProxy(): Promise<{ readonly url: string; readonly tunnels: string[] }> {
  const tunnels: string[] = [];
  const proxied: RequestListener = ({ url = '' }, response) => {
    tunnels.push(url);
    response.end('of the proxy');
  };
  const { host } = await serve(proxied);
  servers.at(-1)?.on('connect', ({ url = '' }, socket: Socket) => {
    tunnels.push(url);
    const { hostname, port } = new URL(`http://${url}`);
    const target = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  return { url: `http://${host}`, tunnels };
}

it.each([
  ['without the wish', false, '', []],
  ['with it', true, '', ['/path?a=b']],
  ['except for NO_PROXY', true, '127.0.0.1', []],
])('uses the proxy of the environment %s', async (...[, usesProxy, exceptions, expected]) => {
  const url = await serve((_, response) => response.end('direct'));
  const proxy = await serveProxy();
  vi.stubEnv('HTTP_PROXY', proxy.url);
  vi.stubEnv('NO_PROXY', exceptions);
  const client = createHttpClient({ ...settings, usesProxy });
  const { signal } = new AbortController();
  const { body } = await client.send(url, { ...get, signal });
  client.close();
  expect(body).toBe(expected.length > 0 ? 'of the proxy' : 'direct');
  expect(proxy.tunnels.map((target) => new URL(target).pathname + new URL(target).search)).toEqual(expected);
});

it('reaches https through a tunnel of the proxy', async () => {
  const greetings: string[] = [];
  const target = createTcpServer((socket) => {
    // The first byte of a handshake of TLS.
    socket.once('data', (bytes: Buffer) => {
      greetings.push(bytes.toString('hex', 0, 1));
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => void target.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(target.address() as AddressInfo).port}`;
  const proxy = await serveProxy();
  vi.stubEnv('HTTPS_PROXY', proxy.url);
  const client = createHttpClient({ ...settings, usesProxy: true });
  const { signal } = new AbortController();
  await endOf(client.send(`https://${host}/`, { ...get, signal }));
  client.close();
  target.close();
  expect([proxy.tunnels, greetings]).toEqual([[host], ['16']]);
});

it.each(['http://', 'http://name:secret@[bad'])(
  'an address of a proxy that is none, such as %s, fails the request, not the program, and is not repeated',
  async (address) => {
    vi.stubEnv('HTTPS_PROXY', address);
    const client = createHttpClient({ ...settings, usesProxy: true });
    const { signal } = new AbortController();
    const answer = await endOf(client.send('https://127.0.0.1:1/', { ...get, signal }));
    expect(answer).toBe('ProxyAddressError: HTTPS_PROXY is not the address of a proxy');
    client.close();
  },
);

it('attack: a proxy that accepts a connection and says nothing does not keep it', async () => {
  const closed = Promise.withResolvers<string>();
  const proxy = createTcpServer((socket) => {
    // Read, so that the end of the other side is noticed.
    socket.resume().once('close', () => closed.resolve('closed'));
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  vi.stubEnv('NO_PROXY', '');
  const client = createHttpClient({ maxSockets: 2, idleMs: 50, usesProxy: true });
  const { signal } = new AbortController();
  await expect(client.send('https://127.0.0.1:1/', { ...get, signal })).rejects.toThrow('tunnel timed out');
  await expect(closed.promise).resolves.toBe('closed');
  client.close();
  proxy.close();
});

it('attack: a proxy that opens a tunnel in which nothing answers keeps no connection after its request, nor one of a closed client', async () => {
  const ends = Array.from({ length: 2 }, () => Promise.withResolvers<string>());
  const tunnels = Array.from(ends, () => Promise.withResolvers<string>());
  let count = 0;
  const proxy = createTcpServer((socket) => {
    const at = count++;
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      // The beginning of the handshake of TLS.
      socket.once('data', () => tunnels[at]?.resolve('open'));
    });
    socket.once('close', () => ends[at]?.resolve('closed'));
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  vi.stubEnv('NO_PROXY', '');
  const client = createHttpClient({ ...settings, usesProxy: true });
  const ending = new AbortController();
  const first = endOf(client.send('https://127.0.0.1:1/', { ...get, signal: ending.signal }));
  await tunnels[0]?.promise;
  ending.abort(new Error('time is up'));
  await expect(first).resolves.toBe('Error: time is up');
  await expect(ends[0]?.promise).resolves.toBe('closed');

  const { signal } = new AbortController();
  const second = endOf(client.send('https://127.0.0.1:1/', { ...get, signal }));
  await tunnels[1]?.promise;
  client.close();
  await expect(second).resolves.toBe('Error: the connections are closed');
  await expect(ends[1]?.promise).resolves.toBe('closed');
  proxy.close();
});

it('attack: a proxy that refuses a tunnel and keeps its connection open loses it', async () => {
  const ended = Promise.withResolvers<string>();
  const proxy = createTcpServer((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n'),
    );
    socket.once('close', () => ended.resolve('closed'));
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('HTTPS_PROXY', `http://name:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  vi.stubEnv('NO_PROXY', '');
  const client = createHttpClient({ ...settings, usesProxy: true });
  const { signal } = new AbortController();
  const answer = await endOf(client.send('https://127.0.0.1:1/', { ...get, signal }));
  expect(answer).toContain('407');
  expect(answer).not.toContain('secret');
  await expect(ended.promise).resolves.toBe('closed');
  client.close();
  proxy.close();
});

it('attack: a proxy whose response to CONNECT does not end fails the request after the size of headers', async () => {
  const mebibyte = 1024 * 1024;
  let sent = 0;
  const closed = Promise.withResolvers<undefined>();
  const proxy = createTcpServer((socket) => {
    const more = () => {
      // Without a limit the response ends here, with another error.
      if (sent >= 8 * mebibyte) socket.end();
      else socket.write('x'.repeat(16_384), () => ((sent += 16_384), setImmediate(more)));
    };
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n', more));
    socket.on('error', () => undefined).once('close', () => closed.resolve(undefined));
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  vi.stubEnv('NO_PROXY', '');
  const client = createHttpClient({ ...settings, usesProxy: true });
  const { signal } = new AbortController();
  const answer = await endOf(client.send('https://127.0.0.1:1/', { ...get, signal }));
  await closed.promise;
  client.close();
  proxy.close();
  expect(answer).toBe('Error: the response of the proxy has more than 16384 bytes of headers');
  expect(sent).toBeLessThan(8 * mebibyte);
});
