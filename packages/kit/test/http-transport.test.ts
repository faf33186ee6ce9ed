import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { connectKube, fenceWrites, withOwnConnections, type KubeRequest } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { createCertificate, whyNoCertificate } from './fixtures/certificate.ts';
import { afterwards, bodyOf, kubeconfigFile, startServer, temporaryFolder } from './fixtures/server.ts';

const watchPods: KubeRequest = {
  method: 'GET',
  path: '/api/v1/pods',
  query: { watch: 'true', none: undefined },
};

async function collect(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const event of events) all.push(event);
  return all;
}

async function against(answer: RequestListener, prefix = '') {
  const server = await startServer(answer);
  const clock = createFakeClock();
  const transport = await connectKube({
    kubeconfig: kubeconfigFile(server.url + prefix),
    userAgent: 'kit',
    clock,
  });
  afterwards(() => transport.close());
  return { transport, clock, server };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

describe('request', () => {
  test('a list whose connection is reset after an item was passed on is not read again: no list has an object twice', async () => {
    let asked = 0;
    const { transport } = await against((request, response) => {
      asked += 1;
      const item = '{"metadata":{"name":"p"}}';
      if (asked > 1) response.end(`{"items":[${item}]}`);
      else response.write(`{"items":[${item},`);
      if (asked === 1) void first.promise.then(() => request.socket.resetAndDestroy());
    });
    const first = Promise.withResolvers<undefined>();
    const items: unknown[] = [];
    const onItem = (item: unknown) => {
      items.push(item);
      first.resolve(undefined);
    };
    const listing = transport.request({ method: 'GET', path: '/api/v1/pods', onItem });
    await expect(listing).rejects.toMatchObject({ code: 'transport' });
    expect(items).toHaveLength(1);
  });

  test('sends method, path, query, type and body; returns the parsed JSON', async () => {
    const { transport } = await against((request, response) => {
      void bodyOf(request).then((body) => {
        const { method, url, headers } = request;
        response.end(JSON.stringify({ method, url, type: headers['content-type'], body }));
      });
    }, '/prefix/');
    const query = { a: 'x y', b: undefined };
    const answer = await transport.request({
      method: 'PATCH',
      path: '/p',
      query,
      body: { é: 1 },
      contentType: 'merge',
    });
    expect(answer).toEqual({ method: 'PATCH', url: '/prefix/p?a=x+y', type: 'merge', body: '{"é":1}' });
  });

  test('a refusal is an error with code, reason and time to wait', async () => {
    const { transport } = await against((_, response) => {
      response
        .writeHead(429, { 'retry-after': '2' })
        .end('{"kind":"Status","reason":"TooManyRequests","message":"slow"}');
    });
    await expect(transport.request(watchPods)).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 2000,
      message: 'slow',
    });
  });

  test('an HTML page of a proxy becomes an error by its status', async () => {
    const { transport } = await against((_, response) => response.writeHead(502).end('<html>'));
    await expect(transport.request(watchPods)).rejects.toMatchObject({ code: 'unavailable', status: 502 });
  });

  test('a response that is not JSON is a transport error', async () => {
    const { transport } = await against((_, response) => response.end('{"a":'));
    await expect(transport.request(watchPods)).rejects.toMatchObject({ code: 'transport' });
  });

  test('a timeout is a transport error', async () => {
    const asked = Promise.withResolvers<undefined>();
    const { transport, clock } = await against(() => asked.resolve(undefined));
    const waiting = transport.request({ ...watchPods, timeoutMs: 5000 });
    const outcome = expect(waiting).rejects.toMatchObject({
      code: 'transport',
      message: expect.stringContaining('5000') as string,
    });
    await asked.promise;
    await clock.advance(5000);
    await outcome;
    expect(clock.pending).toBe(0);
  });

  test('aborting ends a call at once while all connections are in use', async () => {
    const { transport } = await against(() => undefined);
    const call = ({ signal }: AbortController) =>
      transport.request({ method: 'GET', path: '/', signal }).catch((error: unknown) => error);
    const others = new AbortController();
    const inUse = Array.from({ length: 16 }, () => call(others));
    const late = new AbortController();
    let end: unknown = 'waits for a connection';
    const waiting = call(late).then((error) => (end = error));
    late.abort(new Error('enough'));
    await expect.poll(() => end).toMatchObject({ code: 'aborted' });
    others.abort();
    await Promise.all([...inUse, waiting]);
  });

  test('a request of a caller that limits itself is sent while calls without a response have all connections', async () => {
    let hanging = 0;
    const { transport } = await against(({ url }, response) => {
      if (url === '/own') response.end('{}');
      else hanging += 1;
    });
    const others = new AbortController();
    const inUse = Array.from({ length: 17 }, () =>
      transport.request({ method: 'GET', path: '/', signal: others.signal }).catch(() => undefined),
    );
    await expect.poll(() => hanging).toBe(16);
    await expect(withOwnConnections(transport).request({ method: 'GET', path: '/own' })).resolves.toEqual({});
    expect(hanging).toBe(16);
    others.abort();
    await Promise.all(inUse);
  });

  test('an abort has its own code, before and during the request', async () => {
    const controller = new AbortController();
    const { transport, clock } = await against(() => controller.abort(new Error('enough')));
    const asking = transport.request({ ...watchPods, signal: controller.signal });
    await expect(asking).rejects.toMatchObject({ code: 'aborted' });
    await expect(transport.request({ ...watchPods, signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(clock.pending).toBe(0);
  });

  test('while its sender may still write, a write that was sent outlives the abort; a read and a write after it do not', async () => {
    const arrived: string[] = [];
    let respond: () => void = () => undefined;
    const { transport, clock } = await against((request, response) => {
      arrived.push(`${request.method} ${request.url}`);
      if (request.method === 'POST') respond = () => response.end('{"stored":true}');
    });
    const fenced = fenceWrites(transport, () => true);
    const ending = new AbortController();
    const { signal } = ending;
    const write = fenced.request({ method: 'POST', path: '/a', body: {}, signal });
    const read = fenced.request({ method: 'GET', path: '/b', signal });
    await until(() => arrived.length === 2);
    ending.abort();
    await expect(read).rejects.toMatchObject({ code: 'aborted' });
    await expect(fenced.request({ method: 'PUT', path: '/c', signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    await clock.advance(3_000);
    respond();
    expect(await write).toEqual({ stored: true });
    expect(arrived.sort()).toEqual(['GET /b', 'POST /a']);
  });

  test('it ends when its sender may not write any more', async () => {
    let arrived = 0;
    const { transport, clock } = await against(() => void (arrived += 1));
    let holds = true;
    const fenced = fenceWrites(transport, () => holds);
    const ending = new AbortController();
    const write = fenced.request({ method: 'POST', path: '/a', body: {}, signal: ending.signal });
    const ended = expect(write).rejects.toMatchObject({ code: 'aborted' });
    await until(() => arrived === 1);
    ending.abort();
    await clock.advance(2_000);
    holds = false;
    await clock.advance(1_000);
    await ended;
  });

  test('a refused connection is a transport error', async () => {
    const transport = await connectKube({
      kubeconfig: kubeconfigFile('http://127.0.0.1:1'),
      userAgent: 'kit',
    });
    await expect(transport.request(watchPods)).rejects.toMatchObject({ code: 'transport' });
    await transport.close();
  });

  test.each([
    ['GET', 2],
    ['PUT', 1],
  ] as const)('a connection that breaks under a %s: it is sent %d time(s)', async (method, times) => {
    let asked = 0;
    const { transport } = await against((request, response) => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else response.end('{}');
    });
    const outcome = await transport.request({ method, path: '/x' }).catch((error: unknown) => error);
    expect(outcome).toMatchObject(times === 2 ? {} : { code: 'transport' });
    expect(asked).toBe(times);
  });
});

describe('watch', () => {
  test('yields lines that arrive in pieces, and ends when the server does', async () => {
    const text = `{"type":"ADDED","object":{"name":"größe-\u{1f600}"}}\n{"type":"BOOKMARK"}\n{"type":"cut o`;
    const bytes = Buffer.from(text);
    const { transport } = await against((_, response) => {
      const send = (at: number) => {
        if (at >= bytes.length) return response.end();
        response.write(bytes.subarray(at, at + 3), () => send(at + 3));
      };
      response.writeHead(200);
      send(0);
    });
    expect(await collect(transport.watch(watchPods))).toEqual([
      { type: 'ADDED', object: { name: 'größe-\u{1f600}' } },
      { type: 'BOOKMARK' },
    ]);
  });

  test.each([
    ['status', 410, { kind: 'Status', code: 410, reason: 'Expired' }],
    ['event', 200, { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }],
  ])('410 as a %s is gone', async (_, status, body) => {
    const { transport } = await against((_, response) =>
      response.writeHead(status).end(`${JSON.stringify(body)}\n`),
    );
    await expect(collect(transport.watch(watchPods))).rejects.toMatchObject({ code: 'gone' });
  });

  test('silence is a transport error, measured from each piece', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<() => void>();
    const { transport, clock } = await against((_, response) => {
      response.writeHead(200).write('{"n":0}\n');
      open(() => response.write('{"n":1}\n'));
    });
    const events = transport.watch({ ...watchPods, timeoutMs: 1000 })[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual({ n: 0 });
    await clock.advance(900);
    (await opened)();
    expect((await events.next()).value).toEqual({ n: 1 });
    const next = expect(events.next()).rejects.toMatchObject({
      code: 'transport',
      message: expect.stringContaining('1000') as string,
    });
    await clock.advance(1000);
    await next;
    expect(clock.pending).toBe(0);
  });

  test('a server that accepts and never responds is noticed too', async () => {
    const asked = Promise.withResolvers<undefined>();
    const { transport, clock } = await against(() => asked.resolve(undefined));
    const watching = collect(transport.watch({ ...watchPods, timeoutMs: 1000 }));
    const outcome = expect(watching).rejects.toMatchObject({ code: 'transport' });
    await asked.promise;
    await clock.advance(1000);
    await outcome;
  });

  test('leaving the loop closes the connection', async () => {
    const closed = Promise.withResolvers<undefined>();
    const { transport, clock } = await against((request, response) => {
      response.writeHead(200).write('{}\n');
      request.socket.on('close', () => closed.resolve(undefined));
    });
    for await (const event of transport.watch({ ...watchPods, timeoutMs: 1000 })) {
      expect(event).toEqual({});
      break;
    }
    await closed.promise;
    expect(clock.pending).toBe(0);
  });

  test('aborting ends it as aborted', async () => {
    const { transport } = await against((_, response) => response.writeHead(200).write('{}\n'));
    const controller = new AbortController();
    const watching = (async () => {
      const events = transport.watch({ ...watchPods, signal: controller.signal })[Symbol.asyncIterator]();
      await events.next();
      controller.abort();
      await events.next();
    })();
    await expect(watching).rejects.toMatchObject({ code: 'aborted' });
  });

  test.each(['abort', 'close'])('an %s between the last event and its end has no effect', async (way) => {
    const opened = Promise.withResolvers<() => void>();
    const { transport } = await against((_, response) => {
      response.writeHead(200).write('{"n":1}\n');
      opened.resolve(() => response.end('{"n":2}\n'));
    });
    const controller = new AbortController();
    const events = transport.watch({ ...watchPods, signal: controller.signal })[Symbol.asyncIterator]();
    await events.next();
    (await opened.promise)();
    expect((await events.next()).value).toEqual({ n: 2 });
    if (way === 'abort') controller.abort();
    await transport.close();
    // The complete response may be read to its end or not: it does not hang, and the process continues.
    expect(await events.next().catch((error: unknown) => error)).toBeDefined();
  });

  test('closing the transport ends running requests', async () => {
    const asked = Promise.withResolvers<undefined>();
    const { transport } = await against((request, response) => {
      if (request.url?.includes('watch')) response.writeHead(200).write('{"n":1}\n');
      else asked.resolve(undefined);
    });
    const events = transport.watch(watchPods)[Symbol.asyncIterator]();
    await events.next();
    const asking = expect(transport.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'transport',
    });
    await asked.promise;
    await transport.close();
    await asking;
    await expect(events.next()).rejects.toMatchObject({ code: 'transport' });
    await expect(transport.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'transport',
      message: expect.stringContaining('closed') as string,
    });
  });

  test('twenty watches do not delay calls', async () => {
    let open = 0;
    const { promise: all, resolve } = Promise.withResolvers<undefined>();
    const { transport } = await against((request, response) => {
      if (!request.url?.includes('watch')) return response.end('{}');
      response.writeHead(200).write('{}\n');
      if ((open += 1) === 20) resolve(undefined);
      return response;
    });
    const controller = new AbortController();
    const watches = Array.from({ length: 20 }, () =>
      collect(transport.watch({ ...watchPods, signal: controller.signal })).catch(() => undefined),
    );
    await all;
    expect(await transport.request({ method: 'GET', path: '/x' })).toEqual({});
    controller.abort();
    await Promise.all(watches);
  });
});

describe.runIf(process.platform === 'linux')('TCP keep-alive', () => {
  /** When the kernel will probe the peer of the client's connection, in ticks of 10 ms; undefined while it has another timer. */
  async function probedIn(url: string): Promise<number | undefined> {
    const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, '0');
    const connection = new RegExp(`:${port} 01 \\S+ 02:([0-9A-F]{8}) `);
    const [, ticks] = connection.exec(await readFile('/proc/self/net/tcp', 'utf8')) ?? [];
    return ticks === undefined ? undefined : parseInt(ticks, 16);
  }

  test.for([['http', undefined] as const, ['https', 'with a certificate'] as const])(
    'probes the peer of a watch by %s 15 s after its last byte',
    async ([, isSecure], { skip }) => {
      if (isSecure) skip(whyNoCertificate !== undefined, whyNoCertificate);
      const certificate = isSecure && createCertificate(temporaryFolder());
      const server = await startServer((_, response) => response.flushHeaders(), certificate);
      const cluster = { 'insecure-skip-tls-verify': true };
      const kubeconfig = kubeconfigFile(server.url, { cluster });
      const transport = await connectKube({ kubeconfig, userAgent: 'kit', clock: createFakeClock() });
      afterwards(() => transport.close());
      const opened = Promise.withResolvers<undefined>();
      const watching = collect(
        transport.watch({ ...watchPods, onOpen: () => opened.resolve(undefined) }),
      ).catch(() => 'closed');
      await opened.promise;
      await expect
        .poll(() => probedIn(server.url), { message: 'the kernel has the timer of TCP keep-alive' })
        .toBeGreaterThan(0);
      expect(await probedIn(server.url)).toBeLessThanOrEqual(1_500);
      await transport.close();
      expect(await watching).toBe('closed');
    },
  );
});
