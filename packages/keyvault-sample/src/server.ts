// The only file that listens on a port.
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { pageHeaders } from './page.ts';
import type { Health } from './status.ts';

interface Pages {
  page(): string;
  health(): Health;
}

interface Place {
  readonly port: number;
  readonly address: string | undefined;
  /** For tests. */
  readonly headersTimeoutMs?: number;
}

const connectionsInAll = 100;
const connectionsPerAddress = 16;
const requestTimeoutMs = 5000;

const plain = { 'content-type': 'text/plain; charset=utf-8' };
const everywhere = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Serves `/` and `/healthz`. Rejects if the address or the port cannot be opened. */
export async function startServer(pages: Pages, place: Place): Promise<Server> {
  const { port, address, headersTimeoutMs = requestTimeoutMs } = place;
  const limits = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    // By default Node.js looks for requests that are too late every 30 seconds only.
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: 5000,
    maxHeaderSize: 8192,
  };
  const server = createServer(limits, ({ method = '', url = '' }, response) => {
    const { status, headers, body } = answer(method, url, pages);
    response.writeHead(status, { ...everywhere, ...headers }).end(method === 'HEAD' ? '' : body);
  });
  server.maxConnections = connectionsInAll;
  limitPerAddress(server);
  server.listen({ port, ...(address !== undefined && { host: address }) });
  await once(server, 'listening');
  return server;
}

/** One pod that opens connections and says nothing must not keep the probe of the kubelet out. */
function limitPerAddress(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const from = socket.remoteAddress;
    // Without an address it has ended already.
    if (from === undefined || (open.get(from) ?? 0) >= connectionsPerAddress) {
      socket.destroy();
      return;
    }
    open.set(from, (open.get(from) ?? 0) + 1);
    socket.once('close', () => {
      const left = (open.get(from) ?? 1) - 1;
      if (left > 0) open.set(from, left);
      else open.delete(from);
    });
  });
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function answer(method: string, url: string, pages: Pages): Reply {
  const [path] = url.split('?', 1);
  if (path !== '/' && path !== '/healthz') return { status: 404, headers: plain, body: 'not found\n' };
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { ...plain, allow: 'GET, HEAD' }, body: 'GET only\n' };
  if (path === '/') return { status: 200, headers: pageHeaders, body: pages.page() };
  const { ok, text } = pages.health();
  return { status: ok ? 200 : 503, headers: plain, body: `${text}\n` };
}

/** As an address for a browser on this machine: it listens on all addresses with `::` and 0.0.0.0, which no browser opens. */
export function addressOf(server: Server): string {
  const at = server.address();
  if (at === null || typeof at === 'string') return String(at);
  const { address, family, port } = at;
  if (address === '::' || address === '0.0.0.0') return `http://localhost:${port}/`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`;
}

const addressRemedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Set PORT to a free one',
  EACCES: 'Set PORT to 1024 or more: the ports below are for root',
  EADDRNOTAVAIL: 'Set LISTEN_ADDRESS to an address of this pod, or leave it out',
  EAFNOSUPPORT: 'Set LISTEN_ADDRESS to an address of this pod, or leave it out',
};

/** For an error of startServer. */
export function remedyForAddress({ code = '' }: NodeJS.ErrnoException): string {
  return addressRemedies[code] ?? 'Check LISTEN_ADDRESS and PORT';
}
