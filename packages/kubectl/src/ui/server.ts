// The only file of the plug-in that listens on a port: for pages on this machine that have the token.
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Finding } from '@pod-identity/policy';
import { headersLimit, requestLimits } from '@pod-identity/kit/serve';

export interface PageFile {
  readonly contentType: string;
  readonly body: string | Buffer;
}

export interface PageServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Which pages send. */
  readonly token: string;
  /** Which only this server and its pages know: another program that takes the port later cannot send it. */
  readonly proof: string;
  /** By path. Anyone on this machine may read them. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** The report as JSON, and when it was read. Rejects with a message for the page. */
  readonly readStatus: () => Promise<{ readonly body: string; readonly readAt: string }>;
  /** `pod`: `namespace/name`. Rejects with a message for the page. */
  readonly readStory: (pod: string, signal: AbortSignal) => Promise<readonly Finding[]>;
}

export type PageServer = Awaited<ReturnType<typeof startPageServer>>;

const address = '127.0.0.1';

/** Nothing from elsewhere, and no page of others may show it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const commonHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
};

/** Rejects if the port cannot be opened. */
export async function startPageServer(options: PageServerOptions) {
  const server = createServer({ ...requestLimits, maxHeaderSize: 8 * 1024 }, (request, response) => {
    const { port } = server.address() as AddressInfo;
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    const status = refusalOf(request, port);
    if (status === undefined) respond(request, response, options);
    else end(response, status);
  });
  server.maxHeadersCount = headersLimit;
  server.listen({ port: options.port, host: address });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close(): Promise<void> {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Another name in Host is a page of others that has made its name lead here (DNS rebinding). */
function refusalOf({ method, headers }: IncomingMessage, port: number): number | undefined {
  if (headers.host !== `${address}:${port}` && headers.host !== `localhost:${port}`) return 421;
  return method === 'GET' ? undefined : 405;
}

function respond(request: IncomingMessage, response: ServerResponse, options: PageServerOptions): void {
  const { url = '', headers } = request;
  const [path = '', query = ''] = url.split('?', 2);
  const file = options.files.get(path);
  if (file) {
    response.writeHead(200, { 'content-type': file.contentType }).end(file.body);
    return;
  }
  const read = reads.get(path);
  if (read === undefined) end(response, 404);
  else if (!isSame(headers['x-pod-identity-token'], options.token)) end(response, 401);
  else {
    response.setHeader('x-pod-identity-proof', options.proof);
    const pod = new URLSearchParams(query).get('pod') ?? '';
    if (path === '/v1/story' && !podName.test(pod)) end(response, 400);
    else void send(response, (signal) => read(options, pod, signal));
  }
}

interface Data {
  readonly body: string;
  readonly readAt?: string;
}
type Read = (options: PageServerOptions, pod: string, signal: AbortSignal) => Promise<Data>;

/** What only pages with the token get. */
const reads: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['/v1/status', ({ readStatus }) => readStatus()],
  [
    '/v1/story',
    async ({ readStory }, pod, signal) => ({ body: JSON.stringify(await readStory(pod, signal)) }),
  ],
]);

const podName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;

async function send(response: ServerResponse, read: (signal: AbortSignal) => Promise<Data>): Promise<void> {
  const closed = new AbortController();
  response.on('close', () => closed.abort());
  try {
    const { body, readAt } = await read(closed.signal);
    if (readAt !== undefined) response.setHeader('x-pod-identity-read-at', readAt);
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  } catch (error) {
    end(response, 502, error instanceof Error ? error.message : String(error));
  }
}

const texts: Readonly<Record<number, string>> = {
  400: 'the parameter pod must be NAMESPACE/NAME',
  401: 'the header x-pod-identity-token must be the token of the address that was printed',
  404: 'not found',
  405: 'only GET is allowed',
  421: 'the header Host must be the address that was printed',
};

function end(response: ServerResponse, status: number, text = texts[status] ?? ''): void {
  // Of a request that is not GET a body may follow, which nobody reads.
  const connection = status === 405 ? { connection: 'close', allow: 'GET' } : {};
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...connection }).end(`${text}\n`);
}

/** In the same time, however much of it is right. */
function isSame(given: string | string[] | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(token));
}
