// Room: one call of Azure Resource Manager: its errors as values, long operations, throttling.
// It must not know hosts or identities.
import { withDeadline } from '@pod-identity/kit/core';
import { createHttpClient, type Ambient, type HttpClient, type HttpResponse } from '@pod-identity/kit/serve';
import { classify, unavailableDefaultMs, type ArmFailure, type ArmResult } from './arm-errors.ts';
import type { CloudEndpoints } from '../cloud/clouds.ts';
import { AzureError, type ArmCredential } from '../credential/token-keeper.ts';

/** Endpoints and credential; new ones after a change of azure.json. */
export interface ArmAccess {
  readonly endpoints: CloudEndpoints;
  readonly credential: ArmCredential;
}

interface ArmRequest {
  readonly method: 'GET' | 'PATCH';
  /** A path with its query, or a URL from ARM (of a long-running operation). */
  readonly url: string;
  readonly body?: unknown;
  readonly ifMatch?: string | undefined;
  readonly signal: AbortSignal;
  /** Called right before sending, with a token available: false ends the request as `aborted`. */
  readonly mayBeSent?: (() => boolean) | undefined;
}

export interface ArmResponse {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter?: string | undefined;
  readonly asyncOperation?: string | undefined;
  readonly location?: string | undefined;
}

export interface ArmClient {
  /** Retries a GET briefly if ARM is unavailable, but never a PATCH: the caller reads the state first. */
  send(request: ArmRequest): Promise<ArmResult<ArmResponse>>;
  readonly access: () => ArmAccess;
  close(): void;
}

interface ArmClientOptions extends Pick<Ambient, 'clock' | 'random'> {
  readonly access: () => ArmAccess;
  readonly userAgent: string;
  readonly requestTimeoutMs?: number;
}

const connections = { maxSockets: 32, idleMs: 4_000 };
/** The largest possible scale set has less than a tenth. */
const longestResponse = 4 * 1024 * 1024;
/** Of what is no JSON, characters that are looked at: a tag has no end that is known. */
const longestPage = 8 * 1024;
const getAttempts = 3;
const retryBaseMs = 500;
/** Longer than `send` retries: one attempt waits long enough for a token. */
const tokenRetryMs = 2 * unavailableDefaultMs;

export function createArmClient(options: ArmClientOptions): ArmClient {
  const { access, clock, random } = options;
  const door = createHttpClient(connections);
  const exchange = createExchange(options, door);
  return {
    access,
    close: () => door.close(),
    async send(request) {
      const attempts = request.method === 'GET' ? getAttempts : 1;
      for (let attempt = 1; ; attempt += 1) {
        const result = await exchange(request);
        if (result.ok || !isPassing(result.failure) || attempt >= attempts) return result;
        try {
          await clock.sleep(retryBaseMs * attempt * (0.5 + random() / 2), request.signal);
        } catch {
          return { ok: false, failure: { kind: 'aborted' } };
        }
      }
    },
  };
}

/** Whether the failure is temporary, with at most the default pause. */
function isPassing(failure: ArmFailure): boolean {
  return failure.kind === 'unavailable' && failure.retryAfterMs <= unavailableDefaultMs;
}

function createExchange(options: ArmClientOptions, door: HttpClient) {
  const { access, clock, userAgent, requestTimeoutMs = 60_000 } = options;

  const once = async (request: ArmRequest, url: URL): Promise<Exchange> => {
    const token = await access().credential.getToken(request.signal);
    if (request.mayBeSent?.() === false) return notSent;
    const response = await withDeadline(
      // A MIC that gives up the right to write waits for the response to a PATCH that was sent.
      {
        clock,
        ms: requestTimeoutMs,
        awaited: 'response of ARM',
        signal: request.signal,
        isKeptAlive: request.mayBeSent,
      },
      (signal) =>
        door.send(url, {
          method: request.method,
          signal,
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            'user-agent': userAgent,
            ...(request.body !== undefined && { 'content-type': 'application/json' }),
            ...(request.ifMatch !== undefined && { 'if-match': request.ifMatch }),
          },
          body: request.body === undefined ? undefined : JSON.stringify(request.body),
          longestBody: longestResponse,
        }),
    );
    return readResponse(response, clock.now());
  };

  return async (request: ArmRequest): Promise<ArmResult<ArmResponse>> => {
    const url = armAddress(access().endpoints, request.url);
    if (url === undefined)
      return { ok: false, failure: { kind: 'failed', message: `not an address of ARM: ${request.url}` } };
    try {
      const first = await once(request, url);
      if (!first.unauthorized) return first.result;
      // Revoked, or expired by a wrong clock: one retry with a new token.
      access().credential.invalidate();
      return (await once(request, url)).result;
    } catch (error) {
      return { ok: false, failure: failureOf(error, url, request.signal) };
    }
  };
}

const notSent: Exchange = { result: { ok: false, failure: { kind: 'aborted' } }, unauthorized: false };

interface Exchange {
  readonly result: ArmResult<ArmResponse>;
  /** Whether ARM refused the token. */
  readonly unauthorized: boolean;
}

function readResponse({ status, headers, body: text }: HttpResponse, now: number): Exchange {
  if (text === undefined) throw new Error(`it is longer than ${longestResponse} bytes`);
  const header = (name: string) => [headers[name]].flat()[0];
  const body = parseBody(text);
  const retryAfter = header('retry-after');
  if (status < 200 || status >= 300) {
    const complaint = { status, body, retryAfter, subscriptionExhausted: isExhausted(headers) };
    return { result: { ok: false, failure: classify(complaint, now), status }, unauthorized: status === 401 };
  }
  const operation = { asyncOperation: header('azure-asyncoperation'), location: header('location') };
  return { result: { ok: true, value: { status, body, retryAfter, ...operation } }, unauthorized: false };
}

/** A proxy or gateway may return HTML: its beginning is kept for messages. */
function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {
      error: {
        message: text
          .slice(0, longestPage)
          .replaceAll(/<[^>]*>|\s+/g, ' ')
          .trim()
          .slice(0, 200),
      },
    };
  }
}

function isExhausted(headers: HttpResponse['headers']): boolean {
  return Object.entries(headers).some(
    ([name, value]) => name.startsWith('x-ms-ratelimit-remaining-subscription-') && value === '0',
  );
}

/** URLs of operations come from responses, so they are checked: the token must only go to ARM. */
function armAddress(endpoints: CloudEndpoints, url: string): URL | undefined {
  const home = new URL(endpoints.resourceManager);
  if (url.startsWith('/') && !url.startsWith('//'))
    return URL.parse(endpoints.resourceManager + url) ?? undefined;
  const address = URL.parse(url);
  if (address?.protocol !== home.protocol) return undefined;
  // Regional endpoints of ARM are subdomains.
  const isHome = address.host === home.host || address.host.endsWith(`.${home.host}`);
  return isHome ? address : undefined;
}

function failureOf(error: unknown, url: URL, signal: AbortSignal): ArmFailure {
  if (signal.aborted) return { kind: 'aborted' };
  if (error instanceof AzureError) return tokenFailure(error);
  const why = error instanceof Error ? (errorCode(error) ?? error.message) : String(error);
  return {
    kind: 'unavailable',
    message: `no answer from ${url.origin}: ${why}`,
    retryAfterMs: unavailableDefaultMs,
  };
}

function errorCode(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? `${error.code} ${error.message}` : undefined;
}

function tokenFailure(error: AzureError): ArmFailure {
  if (error.code === 'token-refused') return { kind: 'denied', message: error.message, lacksToken: true };
  return { kind: 'unavailable', message: error.message, retryAfterMs: tokenRetryMs };
}
