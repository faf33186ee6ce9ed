// Loaded before tests where loopback has only 127.0.0.1, as on macOS: a connection that a test makes from another address of 127.0.0.0/8
// is made from there, and the server still sees the other address. The NMI of a stage reads it as tools/stage/pod-address-preload.ts does.
import { Server, Socket, type AddressInfo } from 'node:net';

interface Options {
  readonly host?: string;
  readonly port?: number;
  readonly localAddress?: string;
}
type Connect = (this: Socket, ...args: unknown[]) => Socket;
type Emit = (this: Server, event: string, ...args: unknown[]) => boolean;

/** Of clients, by their ports. */
const named = new Map<number | undefined, { readonly socket: Socket; readonly address: string }>();
/** Of the servers of this process. */
const ports = new Set<number | undefined>();
const connect = Reflect.get(Socket.prototype, 'connect') as Connect;
const emit = Reflect.get(Server.prototype, 'emit') as Emit;

function connectFrom(this: Socket, ...args: unknown[]): Socket {
  // `net.connect` passes its arguments in a list.
  const list = (Array.isArray(args[0]) ? args[0] : args) as unknown[];
  const options = list[0] as Options;
  const address = options.localAddress ?? '';
  if (!/^127\.(?!0\.0\.1$)/.test(address)) return Reflect.apply(connect, this, args);
  // A copy: an agent keeps connections by the address in the caller's options.
  list[0] = { ...options, localAddress: '127.0.0.1' };
  Reflect.apply(connect, this, args);
  if (ports.has(options.port)) process.nextTick(remember, this, address);
  else this.write(`PROXY TCP4 ${address} ${options.host} 1 ${options.port}\r\n`);
  return this;
}

/** In the tick after `connect` the socket is bound; the server receives it later. */
function remember(socket: Socket, address: string): void {
  const { localPort } = socket;
  named.set(localPort, { socket, address });
  // Another client may have the port by then.
  socket.once('close', () => {
    if (named.get(localPort)?.socket === socket) named.delete(localPort);
  });
}

function emitNamed(this: Server, event: string, ...args: unknown[]): boolean {
  if (event === 'listening') ports.add((this.address() as Partial<AddressInfo> | null)?.port);
  const [socket] = args as Socket[];
  const value = event === 'connection' ? named.get(socket?.remotePort)?.address : undefined;
  if (value !== undefined) Object.defineProperty(socket, 'remoteAddress', { value });
  return Reflect.apply(emit, this, [event, ...args]);
}

// Files that share a process load this again.
if (process.env['POD_IDENTITY_ONE_ADDRESS'] === undefined) {
  process.env['POD_IDENTITY_ONE_ADDRESS'] = '1';
  Object.assign(Socket.prototype, { connect: connectFrom });
  Object.assign(Server.prototype, { emit: emitNamed });
}
