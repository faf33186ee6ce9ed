// In a pod's network namespace: the address of IMDS, and behind it a Unix socket that leads out.
import { connect, createServer } from 'node:net';

const path = process.argv[2] ?? '';
const server = createServer((inside) => {
  const outside = connect({ path });
  inside.pipe(outside).pipe(inside);
  inside.once('error', () => outside.destroy());
  outside.once('error', () => inside.destroy());
});
server.listen({ host: '169.254.169.254', port: 80 }, () => console.log('relay: ready'));
