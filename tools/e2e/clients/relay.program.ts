// In a pod's network namespace: forwards the address of IMDS to a Unix socket.
import { connect, createServer } from 'node:net';

const path = process.argv[2] ?? '';
const server = createServer((inside) => {
  const outside = connect({ path });
  inside.pipe(outside).pipe(inside);
  inside.once('error', () => outside.destroy());
  outside.once('error', () => inside.destroy());
});
server.listen({ host: '169.254.169.254', port: 80 }, () => console.log('relay: ready'));
