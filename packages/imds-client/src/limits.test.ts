// How many requests a process has at an endpoint, and how long they last, whichever client asks.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createImdsClient, createImdsCredential } from './client.ts';

const closings: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const close of closings.splice(0)) close();
});

/** An endpoint that holds the requests for tokens, except those for resources that begin with `ready`: of these it serves twenty in a second. */
async function openEndpoint() {
  const held = new Map<string, ServerResponse>();
  const scene = { endpoint: '', held, sent: 0, most: 0, ended: 0, refused: 0 };
  const served: number[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const resource = new URL(request.url ?? '', 'http://x').searchParams.get('resource') ?? '';
    scene.sent += 1;
    if (resource.startsWith('ready')) {
      served.push(Date.now());
      if (served.filter((at) => at > Date.now() - 1000).length <= 20) {
        give(response);
        return;
      }
      scene.refused += 1;
      response.writeHead(429).end();
      return;
    }
    held.set(resource, response);
    scene.most = Math.max(scene.most, held.size);
    response.on('close', () => {
      held.delete(resource);
      if (!response.writableFinished) scene.ended += 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  scene.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return scene;
}

function give(response: ServerResponse): void {
  response.end(JSON.stringify({ access_token: 'a', expires_in: 3600 }));
}

/** Also while timers are fake. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { timeout: 30_000 }).catch(() => {
    throw new Error(`waited 30 s for ${what}`);
  });
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

describe('by the default transport', () => {
  test('a process has four requests for tokens at an endpoint, however many clients ask', async () => {
    const scene = await openEndpoint();
    const { endpoint, held } = scene;
    const getting = names(20).map((name) => createImdsCredential({ endpoint }).getToken(name));
    for (let given = 0; given < 20; given += 4) {
      await expect.poll(() => held.size, { message: 'requests that are held' }).toBe(4);
      for (const response of held.values()) give(response);
      await expect.poll(() => scene.sent, { message: 'requests' }).toBe(Math.min(20, given + 8));
    }
    expect(await Promise.all(getting)).toHaveLength(20);
    expect(scene.most).toBe(4);
  });

  test('the requests at one endpoint do not delay those at another', async () => {
    const [one, other] = [await openEndpoint(), await openEndpoint()];
    const client = createImdsClient({ endpoint: one.endpoint });
    const holding = Promise.allSettled(names(5).map((resource) => client.getToken({ resource })));
    await expect.poll(() => one.held.size, { message: 'requests that are held' }).toBe(4);
    const quick = createImdsClient({ endpoint: other.endpoint });
    expect(await quick.getToken({ resource: 'ready' })).toMatchObject({ token: 'a' });
    for (const response of one.held.values()) give(response);
    await expect.poll(() => one.held.has('r4'), { message: 'the last request' }).toBe(true);
    give(one.held.get('r4')!);
    await holding;
  });

  test('the timeout of a request does not run while it waits for a connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { endpoint, held } = await openEndpoint();
    const client = createImdsClient({ endpoint });
    const holding = names(4).map((resource) => client.getToken({ resource }));
    await until('four requests that are held', () => held.size === 4);
    const brief = createImdsClient({ endpoint, requestTimeoutMs: 600, maxRetries: 0 });
    const waiting = brief.getToken({ resource: 'ready' });
    await vi.advanceTimersByTimeAsync(5000);
    give(held.get('r2')!);
    expect(await waiting).toMatchObject({ token: 'a' });
    for (const response of held.values()) give(response);
    await Promise.all(holding);
  });

  test('the deadline holds meanwhile; an abort ends the wait', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const scene = await openEndpoint();
    const { endpoint, held } = scene;
    const client = createImdsClient({ endpoint });
    const holding = names(4).map((resource) => client.getToken({ resource }));
    await until('four requests that are held', () => held.size === 4);
    const controller = new AbortController();
    const leaving = client.getToken({ resource: 'ready', abortSignal: controller.signal });
    const brief = createImdsClient({ endpoint, deadlineMs: 600 });
    const waiting = Promise.allSettled([brief.getToken({ resource: 'ready' }), leaving]);
    controller.abort('bored');
    await vi.advanceTimersByTimeAsync(600);
    const reason = `${endpoint} did not answer within 600 ms`;
    expect(await waiting).toMatchObject([
      { reason: { code: 'timeout', reason } },
      { reason: { code: 'aborted', cause: 'bored' } },
    ]);
    for (const response of held.values()) give(response);
    await Promise.all(holding);
    expect(scene.sent).toBe(4);
  });
});

test('fifty resources at once are paced, so that IMDS, which serves twenty requests in a second, refuses none', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const scene = await openEndpoint();
  const client = createImdsClient({ endpoint: scene.endpoint });
  const getting = Promise.all(names(50).map((name) => client.getToken({ resource: `ready-${name}` })));
  for (let sent = 4; sent < 54 && scene.refused === 0; sent += 4) {
    await until('requests', () => scene.sent >= Math.min(sent, 50) || scene.refused > 0);
    await vi.advanceTimersByTimeAsync(250);
  }
  expect(scene.refused).toBe(0);
  expect(await getting).toHaveLength(50);
});

test('the connections of a given transport are those of its owner', async () => {
  const { endpoint, held } = await openEndpoint();
  const client = createImdsClient({ endpoint, transport: (url, init) => fetch(url, init) });
  const holding = names(6).map((resource) => client.getToken({ resource }));
  await expect.poll(() => held.size, { message: 'requests that are held' }).toBe(6);
  for (const response of held.values()) give(response);
  await Promise.all(holding);
});
