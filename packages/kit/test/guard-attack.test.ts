// One pod's flood of connections against a guarded server: another pod and the kubelet are answered meanwhile.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createGuardedServer } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';

const hostile = '127.66.0.1';
const quiet = '127.77.0.1';
const ask = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const askOnce = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
/** The kubelet's probes have one of these. */
const ownAddresses = Object.values(networkInterfaces()).flatMap((all = []) =>
  all.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
);

const sockets: Socket[] = [];
let end = (): void => undefined;
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  end();
});

async function start({ requestsPerSecond = 20, connections = 4_096, after = Promise.resolve() } = {}) {
  const clock = createFakeClock();
  const seen: string[] = [];
  const { server, listen } = createGuardedServer({
    clock,
    requestsPerSecond,
    connections,
    describe: () => undefined,
    onLimited: (effect, peer) => seen.push(`${effect} ${peer}`),
    handle: (_, response, { peer }) => {
      seen.push(`handled ${peer}`);
      void after.then(() => response.end('fine'));
    },
    refuse: (response) => response.writeHead(429, { connection: 'close', 'retry-after': '1' }).end(),
  });
  const port = await listen({ port: 0, host: '0.0.0.0' });
  end = () => {
    server.closeAllConnections();
    server.close();
  };
  const count = (what: string) => seen.filter((one) => one === what).length;
  return { clock, port, count };
}

async function open(port: number, localAddress: string): Promise<Socket> {
  const host = localAddress.startsWith('127.') ? '127.0.0.1' : localAddress;
  const socket = connect({ host, port, localAddress });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

async function send(port: number, from: string, text = askOnce): Promise<string> {
  const socket = await open(port, from);
  socket.write(text);
  let all = '';
  socket.on('data', (part: Buffer) => (all += part.toString('latin1')));
  if (!socket.closed) await once(socket, 'close');
  return all;
}

async function expectServed(port: number): Promise<void> {
  for (const from of [quiet, ...ownAddresses]) expect(await send(port, from)).toContain('200 OK');
}

test('attack: a pod keeps connections without end: it has 64, and others are served', async () => {
  const { port, count } = await start();
  for (let opened = 0; opened < 90; opened += 1) await open(port, hostile);
  await expectServed(port);
  expect(count(`turned-away ${hostile}`)).toBe(90 - 64);
});

test('attack: a pod opens connections without end and leaves: they are closed unread, and others are served', async () => {
  const { port, count, clock } = await start();
  for (let opened = 0; opened < 150; opened += 1) (await open(port, hostile)).destroy();
  await expectServed(port);
  expect(count(`turned-away ${hostile}`)).toBe(50);
  await clock.advance(100);
  expect(await send(port, hostile)).toContain('200 OK');
});

test('attack: a pod resets its connections before they are accepted: the server goes on, and others are served', async () => {
  const { port, count } = await start({ requestsPerSecond: 1 });
  for (let opened = 0; opened < 200; opened += 1) {
    const socket = connect({ host: '127.0.0.1', port, localAddress: hostile });
    socket.on('error', () => undefined).on('connect', () => socket.resetAndDestroy());
  }
  // The kernel does not say any more whose they are.
  const name = 'turned-away ';
  await expect
    .poll(() => count(name) + count(name + hostile), { message: 'all are served' })
    .toBeGreaterThan(0);
  await expectServed(port);
});

test('attack: a pod sends requests without end: they are refused with 429 and the time to wait, and others are served', async () => {
  const { port, count } = await start();
  const kept = await open(port, hostile);
  for (let asked = 0; asked < 100; asked += 1) {
    kept.write(ask);
    await once(kept, 'data');
  }
  kept.write(ask);
  const [answer] = (await once(kept, 'data')) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1.1 429 .*retry-after: 1/s);
  expect(await send(port, hostile)).toMatch(/^HTTP\/1.1 429 .*Retry-After: 1/s);
  await expectServed(port);
  expect(count(`handled ${hostile}`)).toBe(100);
  expect(count(`refused ${hostile}`)).toBe(1);
});

test('attack: pods hold all connections: the one with most loses one that it does not use', async () => {
  const { port, count } = await start({ connections: 30 });
  for (let opened = 0; opened < 20; opened += 1) await open(port, hostile);
  for (let opened = 0; opened < 10; opened += 1) await open(port, '127.66.0.2');
  await expectServed(port);
  expect(count('evicted 127.66.0.2')).toBe(0);
  expect(count(`evicted ${hostile}`)).toBeGreaterThan(0);
});

test('attack: while every connection waits for its response, a new one goes', async () => {
  const answer = Promise.withResolvers<undefined>();
  const { port, count } = await start({ connections: 2, after: answer.promise });
  const waiting = [send(port, hostile), send(port, quiet)];
  await expect.poll(() => count(`handled ${hostile}`) + count(`handled ${quiet}`)).toBe(2);
  expect(await send(port, '127.66.0.2')).toBe('');
  answer.resolve(undefined);
  for (const text of await Promise.all(waiting)) expect(text).toContain('200 OK');
});

test('attack: a pod with many addresses fills the table of addresses: connected ones keep their count', async () => {
  const { port, count } = await start({ requestsPerSecond: 0 });
  for (let opened = 0; opened < 64; opened += 1) await open(port, hostile);
  for (let index = 0; index < 9_000; index += 1)
    (await open(port, `127.67.${index >> 8}.${index & 255}`)).destroy();
  await open(port, hostile);
  await expectServed(port);
  expect(count(`turned-away ${hostile}`)).toBe(1);
}, 60_000);

test('attack: so many connections that the kernel cannot accept one: the process goes on, whoever made the server listen', () => {
  const { server } = createGuardedServer({
    clock: createFakeClock(),
    requestsPerSecond: 0,
    connections: 1,
    describe: () => undefined,
    onLimited: () => undefined,
    handle: (_, response) => response.end(),
    refuse: (response) => response.end(),
  });
  expect(server.emit('error', Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' }))).toBe(true);
});
