import { request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, keepAdminServer, startAdminServer, type AdminServer } from '@pod-identity/kit/serve';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';

/** A log that returns its lines one by one. */
function readableLog() {
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const write = (line: string) => (waiting.shift() ?? ((late: string) => void lines.push(late)))(line);
  const next = async (): Promise<string> =>
    lines.shift() ?? (await new Promise<string>((resolve) => void waiting.push(resolve)));
  return { log: createLog({ component: 'x', format: 'json', destination: { write } }), next };
}

let clock: FakeClock;
let stop: AbortController;
let old: AdminServer;
const aliveOn = (port: number): Promise<string> =>
  request(`http://127.0.0.1:${port}/who`).then(({ body }) => body.text());
const options = (who: string, port: number, log = readableLog().log) => ({
  port,
  host: '127.0.0.1',
  log,
  routes: [{ path: '/who', respond: () => ({ status: 200, body: who }) }],
});

beforeEach(async () => {
  clock = createFakeClock();
  stop = new AbortController();
  old = await startAdminServer(options('old', 0));
});
afterEach(() => old.close());

test('waits, with one log line, while another process has the port; then it serves there', async () => {
  const { log, next } = readableLog();
  const kept = keepAdminServer(options('new', old.port, log), { clock, signal: stop.signal });
  expect(await next()).toContain('another process has this port');
  expect(await aliveOn(old.port)).toBe('old');
  await old.close();
  await clock.advance(1_000);
  expect(await next()).toContain('admin server listening');
  expect(await aliveOn(old.port)).toBe('new');
  stop.abort();
  await kept;
});

test('frees the port when the signal aborts', async () => {
  const { log, next } = readableLog();
  const { port } = old;
  await old.close();
  const kept = keepAdminServer(options('first', port, log), { clock, signal: stop.signal });
  await next();
  stop.abort();
  await kept;
  old = await startAdminServer(options('second', port));
  expect(await aliveOn(port)).toBe('second');
});

test('stops waiting when the signal aborts', async () => {
  const { log, next } = readableLog();
  const kept = keepAdminServer(options('new', old.port, log), { clock, signal: stop.signal });
  await next();
  stop.abort();
  await expect(kept).resolves.toBeUndefined();
});

test('an address that the machine does not have stops nothing else: it is logged once, and waited for', async () => {
  const { log, next } = readableLog();
  const nowhere = { ...options('new', 0, log), host: '192.0.2.1' };
  const kept = keepAdminServer(nowhere, { clock, signal: stop.signal });
  expect(await next()).toContain('this machine has no such address');
  stop.abort();
  await kept;
});

test('fails on an invalid address', async () => {
  const nowhere = { ...options('new', 0), host: 'no address' };
  await expect(keepAdminServer(nowhere, { clock, signal: stop.signal })).rejects.toThrow('ENOTFOUND');
});
