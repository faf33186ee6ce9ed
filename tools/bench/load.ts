// A load generator that needs little processor time compared with the server: raw sockets, pipelined requests, and
// source addresses of many pods.
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { within } from '../stage/within.ts';
import { cpuMicroseconds } from './process.ts';

export interface Load {
  readonly host: string;
  readonly port: number;
  /** The id of the server's process. */
  readonly pid: number;
  readonly path: string;
  /** One connection from each of these addresses, which may be repeated. */
  readonly from: readonly string[];
  readonly pipelined: number;
  /** The total of requests, after which the run ends. */
  readonly requests: number;
}

/** Requests with the status 200. */
export interface Run {
  /** All requests, including those before the measurement. */
  readonly sent: number;
  readonly perSecond: number;
  /** Processor time of the server for one request (microseconds): unlike the rate, it does not depend on the load generator. */
  readonly cpuUs: number;
}

/** Over connections that were used before; throws on any status but 200. */
export async function runKept(load: Load): Promise<Run> {
  const perConnection = Math.ceil(load.requests / load.from.length / load.pipelined) * load.pipelined;
  const sockets = await Promise.all(load.from.map((localAddress) => open(load, localAddress)));
  for (const socket of sockets) await timeOf(socket, load.path);
  const done = await begin(load.pid);
  const rest = keepAwake();
  await Promise.all(sockets.map((socket) => drive(socket, load, perConnection)));
  rest();
  const run = await done(perConnection * load.from.length, sockets.length);
  for (const socket of sockets) socket.destroy();
  return run;
}

/** The same with a new connection for each request, `atOnce` at a time. */
export async function runFresh(load: Load, atOnce: number): Promise<Run> {
  const done = await begin(load.pid);
  let sent = 0;
  const work = async () => {
    while (sent < load.requests) {
      const localAddress = load.from[sent % load.from.length] ?? '';
      sent += 1;
      const socket = await open(load, localAddress);
      await drive(socket, { ...load, pipelined: 1 }, 1);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return done(sent);
}

/** The kernel updates a thread's time when it stops running, so the time is read a moment later. */
const settledMs = 20;

async function begin(pid: number): Promise<(requests: number, before?: number) => Promise<Run>> {
  await pause(settledMs);
  const [cpu, at] = [cpuMicroseconds(pid), performance.now()];
  return async (requests, before = 0) => {
    const seconds = (performance.now() - at) / 1000;
    await pause(settledMs);
    const cpuUs = (cpuMicroseconds(pid) - cpu) / requests;
    return { sent: requests + before, perSecond: requests / seconds, cpuUs };
  };
}

/**
 * Waking a sleeping reader doubles the cost of a write. A slow server would pay that for each response
 * and a fast one, whose reader never sleeps, would not. So the readers never sleep.
 */
function keepAwake(): () => void {
  let isOver = false;
  const spin = () => {
    if (!isOver) setImmediate(spin);
  };
  spin();
  return () => void (isOver = true);
}

/** How long one request takes on this connection (ms). */
export async function timeOf(socket: Socket, path: string): Promise<number> {
  const begun = performance.now();
  await drive(socket, { path, pipelined: 1 }, 1);
  return performance.now() - begun;
}

/** Limit for a connect, and for all responses on a connection. */
const patienceMs = 120_000;

export function open(to: Pick<Load, 'host' | 'port'>, localAddress: string): Promise<Socket> {
  const opened = new Promise<Socket>((resolve, reject) => {
    const socket = connect({ host: to.host, port: to.port, localAddress }, () => resolve(socket));
    socket.once('error', reject);
    socket.setNoDelay(true);
  });
  return within(patienceMs, `a connection from ${localAddress} to ${to.host}:${to.port}`, opened);
}

/** Resolves after so many responses on this connection. */
function drive(
  socket: Socket,
  { path, pipelined }: Pick<Load, 'path' | 'pipelined'>,
  requests: number,
): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n`;
  const batch = Buffer.from(request.repeat(pipelined));
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  let answered = 0;
  let taken: Taken = { answers: 0, rest: '', length: 0 };
  const hear = (chunk: Buffer) => {
    taken = takeAlike(chunk, taken) ?? take(taken.rest + chunk.toString('latin1'));
    answered += taken.answers;
    if (taken.refused !== undefined) reject(new Error(`answered ${taken.refused}`));
    else if (answered >= requests) resolve(undefined);
    else if (answered % pipelined === 0 && taken.answers > 0) socket.write(batch);
  };
  const hangUp = () => reject(new Error('the server hung up'));
  socket.on('error', reject).on('data', hear).on('end', hangUp);
  socket.write(batch);
  const progress = () => `${requests} answers on one connection, of which ${answered} came`;
  return within(patienceMs, progress, promise).finally(() =>
    socket.off('error', reject).off('data', hear).off('end', hangUp),
  );
}

interface Taken {
  readonly answers: number;
  /** The bytes of an incomplete response. */
  readonly rest: string;
  /** Length of the last complete response, head and body; 0 before the first. */
  readonly length: number;
  readonly refused?: string;
}

const goodHead = 'HTTP/1.1 200';

/** Skips complete responses of the same length as the last one without parsing: otherwise the generator would be slower than the server. */
function takeAlike(chunk: Buffer, { rest, length }: Taken): Taken | undefined {
  if (rest !== '' || length === 0 || chunk.length % length !== 0) return undefined;
  for (let at = 0; at < chunk.length; at += length)
    if (chunk.toString('latin1', at, at + goodHead.length) !== goodHead) return undefined;
  return { answers: chunk.length / length, rest, length };
}

/** The complete responses at the start of the received bytes, by their Content-Length. */
function take(text: string): Taken {
  let at = 0;
  let answers = 0;
  let length = 0;
  for (;;) {
    const head = text.indexOf('\r\n\r\n', at);
    if (head < 0) break;
    if (!text.startsWith(goodHead, at))
      return { answers, length, rest: '', refused: text.slice(at, at + 400) };
    const bodyLength = Number(/content-length: (\d+)/i.exec(text.slice(at, head))?.[1]);
    if (Number.isNaN(bodyLength)) return { answers, length, rest: '', refused: 'without a Content-Length' };
    const wanted = head + 4 + bodyLength - at;
    if (text.length < at + wanted) break;
    length = wanted;
    at += wanted;
    answers += 1;
  }
  return { answers, length, rest: text.slice(at) };
}
