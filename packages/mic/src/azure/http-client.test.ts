import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHttpClient } from './http-client.ts';

let silent: Server;
let url: URL;
beforeEach(async () => {
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
});
afterEach(async () => {
  silent.closeAllConnections();
  await new Promise((resolve) => void silent.close(resolve));
});

const endOf = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => 'answered',
    (error: unknown) => String(error),
  );
/** The number of connections. */
const most = 32;

it('ends a request with its signal while all connections are in use', async () => {
  const door = createHttpClient();
  const ask = ({ signal }: AbortController) =>
    endOf(door.send(url, { method: 'PATCH', headers: {}, body: '{}', signal }));
  const others = new AbortController();
  const inUse = Array.from({ length: most }, () => ask(others));
  const late = new AbortController();
  let end = 'waits for a connection';
  const waiting = ask(late).then((how) => (end = how));
  late.abort(new Error('time is up'));
  await expect.poll(() => end).toBe('Error: time is up');
  others.abort(new Error('over'));
  await Promise.all([...inUse, waiting]);
  door.close();
});

it('fails all requests when it is closed: running ones, those that wait for a connection, and later ones', async () => {
  const door = createHttpClient();
  const { signal } = new AbortController();
  const ask = () => endOf(door.send(url, { method: 'GET', headers: {}, signal }));
  const before = Array.from({ length: most + 1 }, ask);
  door.close();
  const ends = await Promise.all([...before, ask()]);
  expect(new Set(ends)).toEqual(new Set(['Error: the connections to Azure are closed']));
});
