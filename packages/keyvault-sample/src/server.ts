// The only file that listens on a port.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { pageHeaders } from './page.ts';

/** Half a request is ended; by default Node.js looks for these every 30 seconds only. */
const limits = { requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 1000 };
const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...pageHeaders };

/** Serves `/` and `/healthz`. Rejects if the address or the port cannot be opened. */
export async function startServer(
  page: () => string,
  at: { port: number; address: string | undefined },
): Promise<Server> {
  const server = createServer(limits, ({ url = '' }, response) => {
    // A vault that refuses reads does not count: a restart would not help.
    const [path] = url.split('?', 1);
    const body = path === '/' ? page() : path === '/healthz' ? 'ok\n' : undefined;
    response.writeHead(body === undefined ? 404 : 200, headers).end(body ?? 'not found\n');
  });
  server.listen({ port: at.port, ...(at.address !== undefined && { host: at.address }) });
  await once(server, 'listening');
  return server;
}

/** As an address for a browser on this machine: it listens on all addresses with `::` and 0.0.0.0, which no browser opens. */
export function addressOf(server: Pick<Server, 'address'>): string {
  const at = server.address();
  if (at === null || typeof at === 'string') return String(at);
  const { address, family, port } = at;
  if (address === '::' || address === '0.0.0.0') return `http://localhost:${port}/`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}
