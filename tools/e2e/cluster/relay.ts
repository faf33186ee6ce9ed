import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Passes connections on, byte by byte. */
export async function relay(at: { readonly host: string; readonly port: number }, to: string): Promise<void> {
  const { hostname, port } = new URL(to);
  const target = Number(port === '' ? 80 : port);
  const server = createServer((outside) => {
    const inside = connect(target, hostname);
    outside.pipe(inside).pipe(outside);
    outside.once('error', () => inside.destroy());
    inside.once('error', () => outside.destroy());
  });
  server.listen(at.port, at.host);
  await once(server, 'listening');
}
