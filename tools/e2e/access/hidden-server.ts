// A server that nobody may call: an attacker names it.
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface HiddenServer {
  readonly url: string;
  connections(): number;
  stop(): Promise<void>;
}

export async function createHiddenServer(): Promise<HiddenServer> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  return {
    url: `https://127.0.0.1:${port}`,
    connections: () => count,
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}
