// Between the services and an API server: passes everything on, and answers the reviews of some users itself, or not at all.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as requestOverTls } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { parse } from 'yaml';
import { within } from '../../stage/within.ts';

/** What the services get instead of the API server's answer; `held`: none until `release`, then the API server's. */
export type ReviewFault = 'held' | { readonly status: number; readonly body: string };

export interface ReviewProxy {
  readonly url: string;
  /** The fault for reviews of this user; undefined: passed on. */
  faultFor: (user: string) => ReviewFault | undefined;
  /** The users of all reviews so far. */
  readonly users: readonly string[];
  /** The paths of all other requests so far. */
  readonly paths: readonly string[];
  /** Method and path of all requests so far. */
  readonly requests: readonly string[];
  /** Resolves when so many reviews are held at once. */
  untilHeld(count: number): Promise<void>;
  release(): void;
  stop(): Promise<void>;
}

const reviewPath = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
const patienceMs = 60_000;

interface Upstream {
  readonly server: URL;
  readonly agent: Agent;
}

export async function openReviewProxy(kubeconfig: string): Promise<ReviewProxy> {
  const upstream = await upstreamOf(kubeconfig);
  const users: string[] = [];
  const paths: string[] = [];
  const requests: string[] = [];
  const held = new Set<() => void>();
  const watching = new Set<() => void>();
  const hold = async (response: ServerResponse) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const go = () => resolve(undefined);
    held.add(go);
    response.once('close', go);
    for (const look of watching) look();
    await promise;
    held.delete(go);
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (request.method !== 'POST' || request.url?.startsWith(reviewPath) !== true) {
      paths.push(request.url ?? '');
      request.pipe(pass(upstream, request, response));
      return;
    }
    const body = await buffer(request);
    const { user } = (JSON.parse(body.toString()) as { spec: { user: string } }).spec;
    users.push(user);
    const fault = proxy.faultFor(user);
    if (fault === 'held') await hold(response);
    if (fault === 'held' || fault === undefined) pass(upstream, request, response).end(body);
    else response.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  const proxy: ReviewProxy = {
    url: `http://127.0.0.1:${port}`,
    faultFor: () => undefined,
    users,
    paths,
    requests,
    async untilHeld(count) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const look = () => (held.size >= count ? resolve(undefined) : undefined);
      watching.add(look);
      look();
      await within(patienceMs, `${count} reviews that wait for an answer`, promise).finally(() =>
        watching.delete(look),
      );
    },
    release: () => held.forEach((go) => go()),
    async stop() {
      server.closeAllConnections();
      server.close();
      upstream.agent.destroy();
      await once(server, 'close');
    },
  };
  return proxy;
}

/** The request to the API server, whose answer becomes the response. */
function pass({ server, agent }: Upstream, request: IncomingMessage, response: ServerResponse) {
  const { method, url: path = '/' } = request;
  const headers = { ...request.headers, host: server.host };
  const sent = requestOverTls({ ...urlOf(server), path, method, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  sent.once('error', () => response.destroy());
  response.once('close', () => sent.destroy());
  return sent;
}

const urlOf = ({ hostname, port }: URL) => ({ hostname, port });

async function upstreamOf(kubeconfig: string): Promise<Upstream> {
  const { clusters } = parse(await readFile(kubeconfig, 'utf8')) as {
    readonly clusters: readonly {
      readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string };
    }[];
  };
  const { server = '', 'certificate-authority-data': ca = '' } = clusters[0]?.cluster ?? {};
  const agent = new Agent({ keepAlive: true, ca: Buffer.from(ca, 'base64').toString() });
  return { server: new URL(server), agent };
}
