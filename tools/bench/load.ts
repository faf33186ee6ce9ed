// A load generator that costs little beside the server that it measures: raw sockets, pipelined requests, and the
// addresses that it speaks from are its own choice, as many pods would.
import { connect, type Socket } from 'node:net';
import { within } from '../stage/within.ts';

export interface Load {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** One connection from each of these addresses, which may be repeated. */
  readonly from: readonly string[];
  readonly pipelined: number;
  /** Requests in all; the run ends by itself. */
  readonly requests: number;
}

/**
 * Requests answered with 200 in a second over connections that were used before; throws when anything else is answered.
 */
export async function requestsPerSecond(load: Load): Promise<number> {
  const perConnection = Math.ceil(load.requests / load.from.length / load.pipelined) * load.pipelined;
  const sockets = await Promise.all(load.from.map((localAddress) => open(load, localAddress)));
  for (const socket of sockets) await timeOf(socket, load.path);
  const rest = staySleepless();
  const begun = performance.now();
  await Promise.all(sockets.map((socket) => drive(socket, load, perConnection)));
  const seconds = (performance.now() - begun) / 1000;
  rest();
  for (const socket of sockets) socket.destroy();
  return (perConnection * load.from.length) / seconds;
}

/**
 * Waking a sleeping reader costs the writer as much as all the rest of a write. A slow server would pay that for each answer
 * and a fast one, whose reader never gets to sleep, would not: so nobody sleeps.
 */
function staySleepless(): () => void {
  let isOver = false;
  const spin = () => {
    if (!isOver) setImmediate(spin);
  };
  spin();
  return () => void (isOver = true);
}

/** The same with a new connection for each request, `atOnce` at a time. */
export async function newConnectionsPerSecond(load: Load, atOnce: number): Promise<number> {
  const begun = performance.now();
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
  return sent / ((performance.now() - begun) / 1000);
}

/** How long one request takes on this connection (ms). */
export async function timeOf(socket: Socket, path: string): Promise<number> {
  const begun = performance.now();
  await drive(socket, { path, pipelined: 1 }, 1);
  return performance.now() - begun;
}

/** For a connection, or for all the answers on one of them. */
const patienceMs = 120_000;

export function open(to: Pick<Load, 'host' | 'port'>, localAddress: string): Promise<Socket> {
  const opened = new Promise<Socket>((resolve, reject) => {
    const socket = connect({ host: to.host, port: to.port, localAddress }, () => resolve(socket));
    socket.once('error', reject);
    socket.setNoDelay(true);
  });
  return within(patienceMs, `a connection from ${localAddress} to ${to.host}:${to.port}`, opened);
}

/** Resolves when so many requests were answered on this connection. */
function drive(
  socket: Socket,
  { path, pipelined }: Pick<Load, 'path' | 'pipelined'>,
  requests: number,
): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n`;
  const batch = Buffer.from(request.repeat(pipelined));
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  let answered = 0;
  let rest = '';
  const hear = (chunk: Buffer) => {
    const taken = take(rest + chunk.toString('latin1'));
    rest = taken.rest;
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

/** Whole answers at the head of what was received, by their Content-Length. */
function take(text: string): { answers: number; rest: string; refused?: string } {
  let at = 0;
  let answers = 0;
  for (;;) {
    const head = text.indexOf('\r\n\r\n', at);
    if (head < 0) break;
    if (!text.startsWith('HTTP/1.1 200', at)) return { answers, rest: '', refused: text.slice(at, at + 400) };
    const length = Number(/content-length: (\d+)/i.exec(text.slice(at, head))?.[1]);
    if (Number.isNaN(length)) return { answers, rest: '', refused: 'without a Content-Length' };
    if (text.length < head + 4 + length) break;
    at = head + 4 + length;
    answers += 1;
  }
  return { answers, rest: text.slice(at) };
}
