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
}

const plain = { 'content-type': 'text/plain; charset=utf-8' };
const everywhere = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Serves `/` and `/healthz`. Rejects if the port cannot be opened. */
export async function startServer(pages: Pages, { port, address }: Place): Promise<Server> {
  const limits = {
    requestTimeout: 10_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 5000,
    maxHeaderSize: 8192,
  };
  const server = createServer(limits, ({ method = '', url = '' }, response) => {
    const { status, headers, body } = answer(method, url, pages);
    response.writeHead(status, { ...everywhere, ...headers }).end(method === 'HEAD' ? '' : body);
  });
  server.maxConnections = 100;
  server.listen({ port, ...(address !== undefined && { host: address }) });
  await once(server, 'listening');
  return server;
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

/** As an address for a browser; `[::]` stands for all addresses. */
export function addressOf(server: Server): string {
  const at = server.address();
  if (at === null || typeof at === 'string') return String(at);
  return `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}/`;
}
