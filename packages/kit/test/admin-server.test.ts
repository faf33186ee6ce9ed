import { request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { createLog, startAdminServer, type AdminServer } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';

const lines: string[] = [];
const log = createLog({
  component: 'x',
  format: 'json',
  destination: { write: (line) => void lines.push(line) },
});
let server: AdminServer | undefined;
afterEach(async () => {
  await server?.close();
  lines.length = 0;
});

async function start() {
  server = await startAdminServer({
    port: 0,
    host: '127.0.0.1',
    log: log.child({ role: 'health' }),
    routes: [
      { path: '/healthz', respond: () => ({ status: 200, body: 'Active' }) },
      {
        path: '/metrics',
        respond: () => Promise.resolve({ status: 200, body: '{}', contentType: 'application/json' }),
      },
      { path: '/broken', respond: () => Promise.reject(new Error('inside')) },
      {
        path: '/thrown',
        respond: () => {
          throw new Error('inside');
        },
      },
    ],
  });
  return async (method: 'GET' | 'HEAD' | 'POST', path: string) => {
    const answer = await request(`http://127.0.0.1:${server!.port}${path}`, { method });
    return [answer.statusCode, answer.headers['content-type'], await answer.body.text()];
  };
}

describe('admin server', () => {
  test.each([
    ['GET', '/healthz', [200, 'text/plain; charset=utf-8', 'Active']],
    ['HEAD', '/healthz', [200, 'text/plain; charset=utf-8', '']],
    ['GET', '/healthz?verbose', [200, 'text/plain; charset=utf-8', 'Active']],
    ['GET', '/metrics', [200, 'application/json', '{}']],
    ['POST', '/healthz', [405, 'text/plain; charset=utf-8', 'method not allowed\n']],
    ['GET', '/healthz/', [404, 'text/plain; charset=utf-8', 'not found\n']],
    ['GET', '/broken', [500, 'text/plain; charset=utf-8', 'internal error\n']],
    ['GET', '/thrown', [500, 'text/plain; charset=utf-8', 'internal error\n']],
  ] as const)('%s %s', async (method, path, expected) => {
    const ask = await start();
    expect(await ask(method, path)).toEqual(expected);
  });

  test('logs its port, with the role of its log', async () => {
    await start();
    expect(JSON.parse(lines[0]!)).toMatchObject({
      msg: 'admin server listening',
      role: 'health',
      port: server!.port,
    });
  });

  test('a response is made at most once a second, for any number of callers and after failures', async () => {
    const clock = createFakeClock();
    let made = 0;
    const respond = () => {
      made += 1;
      if (made === 2) throw new Error('broken');
      return { status: 200, body: `made ${made}` };
    };
    server = await startAdminServer({
      port: 0,
      host: '127.0.0.1',
      clock,
      log,
      routes: [{ path: '/metrics', respond }],
    });
    const bodies = () =>
      Promise.all(
        ['', '?a'].map(async (query) =>
          (await request(`http://127.0.0.1:${server!.port}/metrics${query}`)).body.text(),
        ),
      );
    expect(await bodies()).toEqual(['made 1', 'made 1']);
    await clock.advance(999);
    expect(await bodies()).toEqual(['made 1', 'made 1']);
    await clock.advance(1);
    expect(await bodies()).toEqual(['internal error\n', 'internal error\n']);
    await clock.advance(999);
    expect(await bodies()).toEqual(['internal error\n', 'internal error\n']);
    await clock.advance(1);
    expect(await bodies()).toEqual(['made 3', 'made 3']);
  });

  test('a program that becomes ready says so at once', async () => {
    let status = 503;
    const routes = [{ path: '/readyz', respond: () => ({ status, body: '' }) }];
    server = await startAdminServer({ port: 0, host: '127.0.0.1', clock: createFakeClock(), log, routes });
    const statusNow = async () => {
      const { statusCode, body } = await request(`http://127.0.0.1:${server!.port}/readyz`);
      await body.dump();
      return statusCode;
    };
    expect(await statusNow()).toBe(503);
    status = 200;
    expect(await statusNow()).toBe(200);
  });

  test('an address in use makes the start fail', async () => {
    await start();
    const again = startAdminServer({ port: server!.port, host: '127.0.0.1', log, routes: [] });
    await expect(again).rejects.toThrow('EADDRINUSE');
  });
});
