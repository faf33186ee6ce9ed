// A hundred pods against a server with the heap size of NMI's manifest.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { whyOneAddress } from '../src/testing/one-address.ts';

const whySkipped = whyOneAddress();
if (whySkipped !== undefined) console.warn(`hostile-connections is skipped: ${whySkipped}`);

const fixture = join(import.meta.dirname, 'fixtures', 'guarded-server.ts');
const heapOfManifest = ['--max-semi-space-size=2', '--max-old-space-size=64'];
const pods = Array.from({ length: 100 }, (_, index) => `127.66.0.${index + 1}`);
/** Bytes of one read of a socket. */
const oneRead = 64 * 1024;
const patienceMs = 60_000;

const ask = 'GET / HTTP/1.1\r\n\r\n';
const headers = (count: number, size: number) =>
  Array.from(
    { length: count },
    (_, index) => `${index.toString(36).padEnd(2, '-')}: ${'x'.repeat(size)}\r\n`,
  ).join('');

interface Way {
  readonly name: string;
  readonly text: string;
  /** Connections of each pod: at a time, and in total, one for each that is closed. */
  readonly connections: readonly [number, number];
  /** A pod that doesn't read may not notice the close: the server reports it. */
  readonly reads: boolean;
  /** Whether the server closes them at once, or by its timeouts. */
  readonly ends: boolean;
}

const ways: readonly Way[] = [
  {
    name: 'pipelined requests',
    text: ask.repeat(oneRead / ask.length),
    connections: [4, 16],
    reads: true,
    ends: true,
  },
  {
    name: 'pipelined requests whose answers are not read',
    text: ask.repeat(oneRead / ask.length),
    connections: [16, 16],
    reads: false,
    ends: true,
  },
  {
    name: 'half-sent requests with hundreds of headers',
    text: `GET / HTTP/1.1\r\n${headers(990, 2)}`,
    connections: [40, 40],
    reads: true,
    ends: true,
  },
  {
    name: 'half-sent requests with dozens of large headers',
    text: `GET / HTTP/1.1\r\n${headers(99, 150)}`,
    connections: [40, 40],
    reads: true,
    ends: true,
  },
  {
    name: 'half-sent requests as large as they may be',
    text: `GET / HTTP/1.1\r\n${headers(30, 500)}`,
    connections: [40, 40],
    reads: true,
    ends: false,
  },
];

let server: ChildProcess | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.kill('SIGKILL');
});

interface Told {
  readonly port: number;
  /** Resolves when the server has closed so many connections because of their data. */
  readonly pipelined: (count: number) => Promise<void>;
}

async function start(): Promise<Told> {
  const child = spawn(process.execPath, [...heapOfManifest, fixture], { stdio: ['pipe', 'pipe', 'ignore'] });
  server = child;
  const effects: string[] = [];
  const lines = createInterface(child.stdout);
  const [first] = (await within('the server to listen', once(lines, 'line'))) as [string];
  const pipelined = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => effects.filter((effect) => effect === 'pipelined').length >= count && resolve();
      lines.on('line', look);
      look();
    });
  lines.on('line', (line) => effects.push(line));
  return { port: Number(first.replace('port ', '')), pipelined };
}

const isAlive = () => server?.exitCode === null && server.signalCode === null && !server.killed;

async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const lost = Promise.withResolvers<never>();
  const timer = setTimeout(() => lost.reject(new Error(`waited ${patienceMs} ms for ${what}`)), patienceMs);
  const end = (...how: unknown[]) =>
    lost.reject(new Error(`the server ended (${how.join(', ')}) before ${what}`));
  if (isAlive()) server?.once('exit', end);
  else end(server?.exitCode, server?.signalCode);
  try {
    return await Promise.race([promise, lost.promise]);
  } finally {
    clearTimeout(timer);
    server?.off('exit', end);
  }
}

function open(port: number, localAddress: string): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.once('close', () => sockets.delete(socket));
  return socket;
}

/**
 * Resolves when the server has closed all connections of the attack. The kernel resets some before the server accepts them, if its queue
 * is full; where only the server reports the close, they are opened again.
 */
function attack(
  { port, pipelined }: Told,
  { text, reads, connections: [atOnce, inAll] }: Way,
): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const over = reads ? promise : pipelined(pods.length * inAll);
  let isOver = false;
  void over.then(() => (isOver = true));
  let left = pods.length * (inAll - atOnce);
  let closed = 0;
  const line = (address: string) => {
    const socket = open(port, address);
    if (reads) socket.resume();
    socket.once('connect', () => socket.write(text));
    socket.once('close', (isReset) => {
      if (!reads && isReset && !isOver && isAlive()) line(address);
      closed += 1;
      if (closed === pods.length * inAll) resolve(undefined);
      if ((left -= 1) >= 0) line(address);
    });
  };
  for (const pod of pods) for (let count = 0; count < atOnce; count += 1) line(pod);
  return over;
}

async function statusOf(port: number): Promise<string> {
  const socket = open(port, '127.77.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const part of socket) text += String(part);
  return text.split('\r\n', 1)[0] ?? '';
}

test.skipIf(whySkipped !== undefined).each(ways)(
  '$name of a hundred pods leave the server alive within its heap, and another pod served',
  { timeout: 2 * patienceMs },
  async (way) => {
    const told = await start();
    const over = attack(told, way);
    for (let count = 0; count < 20; count += 1)
      expect(await within('an answer to another pod', statusOf(told.port))).toBe('HTTP/1.1 200 OK');
    if (way.ends) await within('the server to close all connections of the attack', over);
    expect(await within('an answer after the attack', statusOf(told.port))).toBe('HTTP/1.1 200 OK');
    expect([server?.exitCode, server?.signalCode]).toEqual([null, null]);
  },
);
