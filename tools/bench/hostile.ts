// The pods of one namespace, all attacking in the same way, until this process is ended.
import { connect, type Socket } from 'node:net';

const [host = '', port = '', way = '', clientIds = '', addresses = ''] = process.argv.slice(2);
const [knownClientId = '', pendingClientId = ''] = clientIds.split(',');
let count = 0;

const tokenPath = (query: string) =>
  `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(`https://${way}-${(count += 1)}.local.test`)}${query}`;
const requestFor = (query: string) =>
  `GET ${tokenPath(query)} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n`;
const known = () => requestFor(`&client_id=${knownClientId}`);
const pending = () => requestFor(`&client_id=${pendingClientId}`);
const unknown = () => requestFor(`&object_id=${crypto.randomUUID()}`);

/** One of a pod's connections. It reconnects if it is closed. */
function line(localAddress: string, use: (socket: Socket) => void): void {
  const socket = connect({ host, port: Number(port), localAddress });
  socket.on('connect', () => use(socket));
  socket.on('error', () => undefined);
  socket.on('close', () => setTimeout(() => line(localAddress, use), 50));
}

/** Sends the next request after each response. */
function asking(requests: () => string): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', () => socket.write(requests()));
    socket.write(requests());
  };
}

const many = (request: () => string, number: number) => () =>
  Array.from({ length: number }, request).join('');

const ways: Readonly<
  Record<string, { readonly connections: number; readonly use: (socket: Socket) => void }>
> = {
  identities: { connections: 4, use: asking(unknown) },
  resources: { connections: 4, use: asking(known) },
  hanging: { connections: 40, use: (socket) => socket.write('GET / HT') },
  leaving: {
    connections: 4,
    use: (socket) => {
      socket.write(known());
      setTimeout(() => socket.destroy(), 20);
    },
  },
  pipelining: { connections: 4, use: asking(many(known, 50)) },
  slow: {
    connections: 4,
    use: (socket) => {
      socket.pause();
      socket.write(many(known, 200)());
    },
  },
  pending: { connections: 20, use: asking(pending) },
};

const chosen = ways[way];
if (!chosen) throw new Error(`there is no way ${way}; there are ${Object.keys(ways).join(', ')}`);
for (const address of addresses.split(','))
  for (let index = 0; index < chosen.connections; index += 1) line(address, chosen.use);
// Ends with its parent process.
process.stdin.on('end', () => process.exit()).resume();
process.stdout.write('hostile\n');
