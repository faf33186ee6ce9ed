import type { IncomingMessage } from 'node:http';
import { readUpTo } from '../core/bounded-body.ts';
import type { Clock } from '../core/clock.ts';
import { jsonChunks } from './json-chunks.ts';
import { JsonItems, notJson, parse } from './json-items.ts';
import { asKubeError, KubeError, errorOf, watchEventError } from './errors.ts';
import { insistOnSending } from './fence.ts';
import {
  createConnectionPools,
  type PoolName,
  type ConnectionPools,
  type TlsSettings,
} from './connection-pools.ts';
import type { ProxyEnv } from './proxy.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';
import { createWatchdog, type Watchdog } from './watchdog.ts';

/** Credentials; read before each request, since they change. */
export interface Access {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: TlsSettings;
}

export interface HttpTransportOptions {
  readonly server: string;
  /** For Node's agents: the proxy to it. */
  readonly proxy?: ProxyEnv | undefined;
  readonly userAgent: string;
  /** `fresh` skips caches: the server rejected the last credentials. */
  readonly access: (fresh: boolean) => Promise<Access>;
  /** Resolves when the rate limit allows one more call. */
  readonly admit: (signal: AbortSignal | undefined) => Promise<void>;
  readonly clock: Clock;
}

interface Sent extends KubeRequest {
  readonly accept?: string;
}

interface Sending {
  readonly pool: PoolName;
  readonly signal: AbortSignal;
}

/** For calls that set no time of their own: an API server that hangs must not hold a call forever. */
const callTimeoutMs = 30_000;
/** A watch starts with response headers even if it has no events; without them the connection is broken. */
const agreeTimeoutMs = 10_000;
/** A refusal may be an endless page of a proxy. */
const longestRefusal = 64 * 1024;

/** Sends a request; resolves with the headers of a good response, and throws KubeError for another one. */
type Open = (request: Sent, sending: Sending) => Promise<IncomingMessage>;

export function createHttpTransport(options: HttpTransportOptions): KubeTransport {
  const address = new URL(options.server);
  const pools = createConnectionPools(address, options.proxy);
  const open = createOpen(options, pools);
  return {
    // For messages: an address may have a password.
    server: address.password === '' ? options.server : `${address.protocol}//${address.host}`,
    request: (request) => call(options, open, request),
    watch: (request) => watch(options.clock, open, request),
    text: (request) => text(options.clock, open, request),
    close: () => pools.close(),
  };
}

async function call(options: HttpTransportOptions, open: Open, request: KubeRequest): Promise<unknown> {
  if (!isLease(request)) await admitted(options, request);
  const pool = isLease(request) || request.hasOwnConnection === true ? 'express' : 'calls';
  // Items that were passed on would come again: the list would have them twice.
  let mayRepeat = request.method === 'GET';
  const { onItem } = request;
  const passOn = (item: unknown) => {
    mayRepeat = false;
    onItem?.(item);
  };
  const attempt = async () => {
    const { signal, timeoutMs = callTimeoutMs, mayBeSent: isKeptAlive } = request;
    const watchdog = createWatchdog({ clock: options.clock, signal, timeoutMs, isKeptAlive });
    try {
      const response = await open(request, { pool, signal: watchdog.signal });
      return await readResponse(response, onItem ? { ...request, onItem: passOn } : request, watchdog);
    } catch (error) {
      throw watchdog.explain(error);
    } finally {
      watchdog.end();
    }
  };
  try {
    return await attempt();
  } catch (error) {
    if (mayRepeat && isBrokenConnection(error)) return await attempt();
    throw error;
  }
}

async function* watch(clock: Clock, open: Open, request: KubeRequest): AsyncGenerator {
  const { signal, timeoutMs = Infinity, onOpen } = request;
  const watchdog = createWatchdog({ clock, signal, timeoutMs: Math.min(timeoutMs, agreeTimeoutMs) });
  try {
    const response = await open(request, { pool: 'express', signal: watchdog.signal });
    watchdog.feed(timeoutMs);
    onOpen?.();
    let events: unknown[] = [];
    const reader = new JsonItems({ isStream: true, onItem: (event) => events.push(event) });
    for await (const chunk of jsonChunks(response)) {
      watchdog.feed();
      reader.push(chunk);
      for (const event of events) yield withoutError(event);
      events = [];
    }
  } catch (error) {
    throw watchdog.explain(error);
  } finally {
    watchdog.end();
  }
}

async function* text(clock: Clock, open: Open, request: KubeRequest): AsyncGenerator<Buffer> {
  const { signal, timeoutMs = callTimeoutMs } = request;
  const watchdog = createWatchdog({ clock, signal, timeoutMs });
  try {
    const response = await open({ ...request, accept: '*/*' }, { pool: 'express', signal: watchdog.signal });
    for await (const chunk of response) {
      watchdog.feed();
      yield chunk as Buffer;
    }
  } catch (error) {
    throw watchdog.explain(error);
  } finally {
    watchdog.end();
  }
}

function createOpen(options: HttpTransportOptions, pools: ConnectionPools): Open {
  return async (request, { pool, signal }) => {
    const attempt = async (fresh: boolean) => {
      const { headers, tls } = await options.access(fresh);
      insistOnSending(request);
      return pools.send(targetOf(request), {
        pool,
        tls,
        signal,
        method: request.method,
        headers: { ...headers, ...headersOf(request), 'user-agent': options.userAgent },
        body: request.body === undefined ? undefined : textOf(request.body),
      });
    };
    let response = await attempt(false);
    if (response.statusCode === 401) {
      // Its body may be endless.
      response.destroy();
      response = await attempt(true);
    }
    const { statusCode = 0 } = response;
    if (statusCode >= 300) throw await readRefusal(response, statusCode);
    return response;
  };
}

async function admitted({ admit }: HttpTransportOptions, { signal }: KubeRequest): Promise<void> {
  try {
    await admit(signal);
  } catch (error) {
    throw asKubeError(error, signal);
  }
}

async function readResponse(
  response: IncomingMessage,
  request: KubeRequest,
  watchdog: Watchdog,
): Promise<unknown> {
  const reader = new JsonItems(request);
  for await (const chunk of jsonChunks(response)) {
    // A list may take long, but not with long silences.
    if (request.onItem) watchdog.feed();
    reader.push(chunk);
  }
  const value = reader.end();
  if (value === undefined) throw notJson();
  return value;
}

async function readRefusal(response: IncomingMessage, status: number): Promise<KubeError> {
  const text = (await readUpTo(response, longestRefusal))?.toString('utf8') ?? '';
  const body = text.startsWith('{') ? parse(text) : undefined;
  return errorOf({ status, body, retryAfter: response.headers['retry-after'] });
}

/** The API server stores objects of 10,000 levels, of which some can be read but not written here. */
function textOf(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new KubeError('invalid', 'not sent: the object is nested too deeply to be written as JSON', {
      cause,
    });
  }
}

function withoutError(event: unknown): unknown {
  const error = watchEventError(event);
  if (error) throw error;
  return event;
}

function targetOf({ path, query }: KubeRequest): string {
  if (query === undefined) return path;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  return search.size > 0 ? `${path}?${search.toString()}` : path;
}

function headersOf({
  body,
  contentType = 'application/json',
  accept = 'application/json',
}: Sent): Record<string, string> {
  return { accept, ...(body === undefined ? {} : { 'content-type': contentType }) };
}

/** Requests for leases bypass the rate limit, so that the leader stays leader. */
function isLease({ path }: KubeRequest): boolean {
  return path.startsWith('/apis/coordination.k8s.io/');
}

/** The server may close an idle connection just as a request is sent on it. */
function isBrokenConnection(error: unknown): boolean {
  const cause: unknown = error instanceof KubeError && error.code === 'transport' ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && /^(ECONNRESET|EPIPE)$/.test(String(cause.code));
}
