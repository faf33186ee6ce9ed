// Loaded by Node.js before the NMI of a stage (`node --import`) where loopback has only 127.0.0.1, as on macOS. All pods then connect
// from one address, so the pod network's forwarder names the pod in a first line (PROXY protocol, version 1), and this makes it the
// remote address of the connection before NMI sees the connection. Any program of the machine can send such a line: nothing but
// the demo and its tests may load this, and no package or image contains it.
import { Server, type Socket } from 'node:net';

type Emit = (this: Server, event: string | symbol, ...args: unknown[]) => boolean;

const longestLine = 107;

/** The bytes of a connection up to its first line; undefined: more are needed. */
function readLine(head: Buffer): { readonly address?: string; readonly rest: Buffer } | undefined {
  const begun = head.subarray(0, 6).toString('latin1');
  if (!'PROXY '.startsWith(begun)) return { rest: head };
  const end = head.indexOf('\r\n');
  if (end < 0) return head.length > longestLine ? { rest: head } : undefined;
  const [, , address = ''] = head.subarray(0, end).toString('latin1').split(' ');
  return { address, rest: head.subarray(end + 2) };
}

function onceNamed(socket: Socket, enter: () => void): void {
  let head = Buffer.alloc(0);
  const give = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) head = Buffer.concat([head, chunk]);
    const line = chunk === null ? undefined : readLine(head);
    if (!line) return;
    socket.off('readable', give).off('error', ignore);
    if (line.address !== undefined) Object.defineProperty(socket, 'remoteAddress', { value: line.address });
    if (line.rest.length > 0) socket.unshift(line.rest);
    enter();
  };
  const ignore = () => undefined;
  socket.on('readable', give).on('error', ignore);
}

const emit = Reflect.get(Server.prototype, 'emit') as Emit;
Server.prototype.emit = function (this: Server, event: string | symbol, ...args: unknown[]) {
  const pass = () => Reflect.apply(emit, this, [event, ...args]);
  if (event !== 'connection') return pass();
  onceNamed(args[0] as Socket, pass);
  return true;
};
