// A load generator that costs little beside the server that it measures: raw sockets, pipelined requests, and the
// addresses that it speaks from are its own choice, as many pods would.
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly host: string;
  readonly port: number;
  /** One connection from each of these addresses. */
  readonly from: readonly string[];
  readonly path: string;
  readonly pipelined: number;
  /** Requests in all; the run ends by itself. */
  readonly requests: number;
}

/** Requests answered with 200 in a second; throws when anything else is answered. */
export async function requestsPerSecond(load: Load): Promise<number> {
  const perConnection = Math.ceil(load.requests / load.from.length / load.pipelined) * load.pipelined;
  const sockets = await Promise.all(
    load.from.map((localAddress) => open({ host: load.host, port: load.port, localAddress })),
  );
  const begun = performance.now();
  await Promise.all(sockets.map((socket) => drive(socket, load, perConnection)));
  const seconds = (performance.now() - begun) / 1000;
  for (const socket of sockets) socket.destroy();
  return (perConnection * load.from.length) / seconds;
}

function open(to: { host: string; port: number; localAddress: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(to, () => resolve(socket));
    socket.once('error', reject);
    socket.setNoDelay(true);
  });
}

function drive(socket: Socket, load: Load, requests: number): Promise<void> {
  const request = `GET ${load.path} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n`;
  const batch = Buffer.from(request.repeat(load.pipelined));
  return new Promise((resolve, reject) => {
    let answered = 0;
    let rest = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      const taken = take(rest + chunk.toString('latin1'));
      rest = taken.rest;
      answered += taken.answers;
      if (taken.refused !== undefined) reject(new Error(`answered ${taken.refused}`));
      else if (answered >= requests) resolve();
      else if (answered % load.pipelined === 0 && taken.answers > 0) socket.write(batch);
    });
    socket.write(batch);
  });
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
