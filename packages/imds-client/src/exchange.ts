import { readBody } from './body.ts';
import { ImdsError, isImdsError, type RequestedToken } from './errors.ts';
import { failureOf } from './failure.ts';
import { requestIdHeader, type HttpResponse } from './response.ts';
import { endOf, onAbort } from './signals.ts';
import type { Settings } from './settings.ts';
import type { FetchResponse } from './types.ts';
import { version } from './version.ts';

const userAgent = `pod-identity-imds-client/${version}`;

/** Bytes of a body: ten times as much as a token with many groups. */
const limit = 64 * 1024;

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is asked for, for the text of errors. */
  readonly requested?: RequestedToken | undefined;
}

export interface ExchangeRules extends Pick<Settings, 'endpoint' | 'transport' | 'enter' | 'startTimer'> {
  /** Milliseconds from when the request is sent on: it has a place by then. */
  readonly timeoutMs: number;
}

/**
 * One try: the response as a value, or why there is none. It ends by the timeout and the signal (whose reason is an ImdsError) even
 * if the transport ignores its own. The timeout begins when there is a place for the request.
 *
 * @throws Error - the transport threw a programming error
 */
export async function exchange(
  request: HttpRequest,
  rules: ExchangeRules,
  signal: AbortSignal,
): Promise<HttpResponse | ImdsError> {
  const leave = await rules.enter(signal).catch(() => undefined);
  try {
    return signal.aborted ? (signal.reason as ImdsError) : await sendInTime(request, rules, signal);
  } finally {
    leave?.();
  }
}

async function sendInTime(
  request: HttpRequest,
  rules: ExchangeRules,
  signal: AbortSignal,
): Promise<HttpResponse | ImdsError> {
  const { endpoint, startTimer, timeoutMs } = rules;
  const { requested } = request;
  const controller = new AbortController();
  const forget = onAbort(signal, () => controller.abort(signal.reason));
  const timer = startTimer(timeoutMs, () =>
    controller.abort(
      new ImdsError('timeout', `${endpoint} did not answer within ${timeoutMs} ms`, { requested }),
    ),
  );
  try {
    // In this order: the transport rejects, too, as soon as it is aborted.
    return await Promise.race([endOf(controller.signal), send(request, rules, controller.signal)]);
  } catch (cause) {
    const failure = isImdsError(cause) ? cause : failureOf({ endpoint, cause, requested });
    // A response that is refused may not have been read: its transport is to end it.
    controller.abort(failure);
    if (isImdsError(failure)) return failure;
    throw failure;
  } finally {
    timer.clear();
    forget();
  }
}

async function send(request: HttpRequest, rules: ExchangeRules, signal: AbortSignal): Promise<HttpResponse> {
  const headers = { ...request.headers, 'User-Agent': userAgent };
  const response: unknown = await rules.transport(request.url, {
    method: 'GET',
    headers,
    redirect: 'manual',
    signal,
  });
  if (!isResponse(response)) {
    throw new TypeError('transport must resolve with status, headers.get() and body');
  }
  const body = await readBody(response, { ...request, limit, endpoint: rules.endpoint });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    contentType: response.headers.get('content-type'),
    encoding: response.headers.get('content-encoding'),
    requestId: response.headers.get(requestIdHeader),
    body,
  };
}

/** A transport that is written in JavaScript resolves with anything. */
function isResponse(value: unknown): value is FetchResponse {
  const { status, headers, body, readUpTo } = Object(value) as Partial<FetchResponse>;
  const hasBody = body !== undefined || readUpTo !== undefined;
  return typeof status === 'number' && typeof headers?.get === 'function' && hasBody;
}
