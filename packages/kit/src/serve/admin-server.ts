import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.ts';
import { createGuardedServer } from './guarded-server.ts';
import type { Log } from './log.ts';
import { systemClock } from './system-clock.ts';

export interface AdminResponse {
  readonly status: number;
  readonly body: string;
  /** Default: plain text. */
  readonly contentType?: string;
}

export interface AdminRoute {
  readonly path: string;
  respond(): AdminResponse | Promise<AdminResponse>;
}

export interface AdminServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** '': all addresses. */
  readonly host: string;
  readonly routes: readonly AdminRoute[];
  readonly log: Log;
  readonly clock?: Clock;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * No limit for an address: whoever creates a Pod has the kubelet send probes to any host (`httpGet.host`), from the address that its own
 * probes have. Beyond so many connections the one that has been idle longest is closed, also if all are of one address.
 */
const limits = {
  requestsPerSecond: 0,
  connections: 128,
  connectionsPerCaller: Infinity,
  replacesIdle: true,
};
/** Connections without traffic for so long are closed; Node keeps one whose request timed out until the client closes it. */
const silenceMs = 60_000;

/**
 * Health and metrics for probes and scrapers: fixed paths, GET and HEAD; of a request only the path is used. Any pod that reaches the
 * address can call, so a response with status 200 serves all calls of a second, and another one all calls until it is there.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { log, host, clock = systemClock } = options;
  const routes = options.routes.map((route) => ({ ...route, respond: keep(route, clock) }));
  const { server, listen, close } = createGuardedServer({
    ...limits,
    clock,
    describe: () => undefined,
    onLimited: () => undefined,
    handle: (request, response) => void reply(routes, log, { request, response }),
  });
  server.setTimeout(silenceMs);
  const port = await listen({ port: options.port, ...(host !== '' && { host }) });
  log.info({ ...(host === '' ? {} : { address: host }), port }, 'admin server listening');
  return { port, close: () => close(0) };
}

const keptMs = 1_000;

/** The response of a route, made once a second at most, since the text of all metrics takes milliseconds; one that is not 200 is not kept. */
function keep(route: AdminRoute, clock: Clock): () => Promise<AdminResponse> {
  let last: { readonly madeAt: number; readonly response: Promise<AdminResponse> } | undefined;
  const make = async () => route.respond();
  return () => {
    const now = clock.elapsed();
    if (last === undefined || now - last.madeAt >= keptMs) last = { madeAt: now, response: make() };
    const { response } = last;
    // A service that becomes ready says so at once. A route that fails is called again after a second.
    void response.then(
      ({ status }) => status !== 200 && last?.response === response && (last = undefined),
      () => undefined,
    );
    return response;
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function reply(
  routes: readonly AdminRoute[],
  log: Log,
  { request, response }: Exchange,
): Promise<void> {
  const { method = '', url = '' } = request;
  // No request here needs a body, and a body could be endless.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    response.setHeader('connection', 'close');
  const result = await respond(routes, { method, url }).catch((error: unknown): AdminResponse => {
    log.error({ error, path: url }, 'admin route failed');
    return { status: 500, body: 'internal error\n' };
  });
  response.writeHead(result.status, headersOf(result));
  response.end(result.body);
}

async function respond(
  routes: readonly AdminRoute[],
  request: { method: string; url: string },
): Promise<AdminResponse> {
  const path = request.url.split('?', 1)[0];
  const route = routes.find((candidate) => candidate.path === path);
  if (!route) return { status: 404, body: 'not found\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, body: 'method not allowed\n' };
  return route.respond();
}

function headersOf({ body, contentType = 'text/plain; charset=utf-8' }: AdminResponse) {
  return { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
}
