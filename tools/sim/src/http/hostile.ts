// A server that sends invalid responses, as a broken or hostile proxy between client and service could.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';

type Script = (socket: Socket) => void;

const head = (status: string, ...headers: string[]) =>
  [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n');

/** Sends until the client closes the connection. */
function sayForEver(socket: Socket, first: string, text: string): void {
  socket.write(first);
  const more = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', more);
  more();
}

const page = 'x'.repeat(16_384);
const chunk = `4000\r\n${page}\r\n`;
let bomb: Buffer | undefined;

const scripts = {
  'switches protocols': (socket) =>
    socket.write(head('101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket')),
  'switches to nothing': (socket) => socket.write(head('101 Switching Protocols')),
  'asks to continue for ever': (socket) => sayForEver(socket, '', head('100 Continue')),
  'says nothing': () => undefined,
  'hangs up': (socket) => socket.end(),
  resets: (socket) => (socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy()),
  'talks garbage': (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
  'ends within the headers': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'never ends its headers': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Le'),
  'sends headers without end': (socket) =>
    sayForEver(socket, 'HTTP/1.1 200 OK\r\n', `X-More: ${'x'.repeat(1000)}\r\n`),
  'sends a body without end': (socket) =>
    sayForEver(socket, head('200 OK', 'Transfer-Encoding: chunked'), chunk),
  'sends a body without end and without length': (socket) => sayForEver(socket, head('200 OK'), page),
  'sends an error without end': (socket) =>
    sayForEver(socket, head('503 Service Unavailable', 'Transfer-Encoding: chunked'), chunk),
  'refuses the credentials without end': (socket) =>
    sayForEver(socket, head('401 Unauthorized', 'Transfer-Encoding: chunked'), chunk),
  'ends within the body': (socket) => socket.end(`${head('200 OK', 'Content-Length: 1000')}{"a":`),
  'stops within the body': (socket) => socket.write(`${head('200 OK', 'Content-Length: 1000')}{"a":`),
  'stops within an error': (socket) => socket.write(`${head('500 Oops', 'Content-Length: 1000')}{"a":`),
  'sends more than it announced': (socket) => sayForEver(socket, head('200 OK', 'Content-Length: 5'), page),
  'announces two lengths': (socket) =>
    socket.write(`${head('200 OK', 'Content-Length: 2', 'Content-Length: 5')}{}`),
  'sends chunks that are none': (socket) =>
    socket.write(`${head('200 OK', 'Transfer-Encoding: chunked')}zz\r\n{}\r\n`),
  'sends a bomb': (socket) => {
    bomb ??= gzipSync(Buffer.alloc(64 * 1024 * 1024));
    socket.write(head('200 OK', 'Content-Encoding: gzip', `Content-Length: ${bomb.length}`));
    socket.write(bomb);
  },
  'redirects elsewhere': (socket) =>
    socket.write(head('307 Temporary Redirect', 'Location: /elsewhere', 'Content-Length: 0')),
} satisfies Record<string, Script>;

function answering(json: string): Script {
  const length = `Content-Length: ${Buffer.byteLength(json)}`;
  return (socket) => socket.end(`${head('200 OK', 'Content-Type: application/json', length)}${json}`);
}

export type Hostility = keyof typeof scripts;
export const hostilities = Object.keys(scripts) as readonly Hostility[];

export interface HostileServer {
  readonly url: string;
  /** Sets what it does from now on; a text is sent with 200 as JSON. */
  play(script: Hostility | { readonly json: string }): void;
  /** The first lines of all requests. */
  readonly asked: readonly string[];
  /** Resolves when all connections are closed. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** Serves on loopback; each request gets the current behaviour. */
export async function startHostileServer(tls?: {
  readonly key: string;
  readonly cert: string;
}): Promise<HostileServer> {
  let script: Script = () => undefined;
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      asked.push(data.toString('latin1').split('\r\n', 1).join(''));
      script(socket);
    });
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
  };
  const server = tls ? createTlsServer(tls, serve) : createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    play: (next) => {
      script = typeof next === 'string' ? scripts[next] : answering(next.json);
    },
    asked,
    quiet: () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      if (sockets.size === 0) resolve(undefined);
      else waiting.push(() => resolve(undefined));
      return promise;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
