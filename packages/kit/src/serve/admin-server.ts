import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Log } from './log.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
  /** Plain text unless told. */
  readonly contentType?: string;
}

export interface AdminRoute {
  readonly path: string;
  answer(): AdminAnswer | Promise<AdminAnswer>;
}

export interface AdminServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** All addresses unless told. */
  readonly host?: string;
  readonly routes: readonly AdminRoute[];
  readonly log: Log;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Health and metrics for probes and scrapers: fixed paths, GET and HEAD, nothing read from the request but its path. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { routes, log } = options;
  const server = createServer((request, response) => {
    request.resume();
    void answer(routes, { method: request.method ?? '', url: request.url ?? '' })
      .catch((error: unknown): AdminAnswer => {
        log.error({ error, path: request.url }, 'admin route failed');
        return { status: 500, body: 'internal error\n' };
      })
      .then((result) => send(response, result));
  });
  const port = await listen(server, options);
  log.info({ port }, 'admin server listening');
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  routes: readonly AdminRoute[],
  request: { method: string; url: string },
): Promise<AdminAnswer> {
  const path = request.url.split('?', 1)[0];
  const route = routes.find((candidate) => candidate.path === path);
  if (!route) return { status: 404, body: 'not found\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, body: 'method not allowed\n' };
  return route.answer();
}

function send(
  response: ServerResponse,
  { status, body, contentType = 'text/plain; charset=utf-8' }: AdminAnswer,
) {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function listen(server: Server, { port, host }: AdminServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
