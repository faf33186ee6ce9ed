import { ImdsError, isImdsError } from './errors.ts';
import { failureOf } from './failure.ts';
import { readResponse, type HttpResponse } from './http-response.ts';
import type { Settings } from './settings.ts';
import { endOf, onAbort } from './single-flight.ts';
import type { FetchResponse, RequestedToken } from './types.ts';
import { version } from './version.ts';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What is asked for, for the text of errors. */
  readonly requested?: RequestedToken | undefined;
}

export interface ExchangeRules extends Pick<Settings, 'endpoint' | 'transport' | 'startTimer'> {
  readonly timeoutMs: number;
}

type Result = Promise<HttpResponse | ImdsError>;

/**
 * One try: the response as a value, or why there is none. It ends by the timeout and the signal (whose reason is an ImdsError) even
 * if the transport ignores its own.
 *
 * @throws Error - the transport threw a programming error
 */
export async function exchange(request: HttpRequest, rules: ExchangeRules, signal: AbortSignal): Result {
  if (signal.aborted) return signal.reason as ImdsError;
  const { endpoint, startTimer, timeoutMs } = rules;
  const { requested } = request;
  const controller = new AbortController();
  const forget = onAbort(signal, () => controller.abort(signal.reason));
  const timer = startTimer(timeoutMs, () => {
    const reason = `${endpoint} did not answer within ${timeoutMs} ms`;
    controller.abort(new ImdsError('timeout', reason, { requested }));
  });
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

async function send(
  { url, headers: given, requested }: HttpRequest,
  rules: ExchangeRules,
  signal: AbortSignal,
) {
  const headers = { ...given, 'User-Agent': `pod-identity-imds-client/${version}` };
  const how = { method: 'GET', headers, redirect: 'manual', signal } as const;
  const response: unknown = await rules.transport(url, how);
  if (isResponse(response)) return readResponse(response, { endpoint: rules.endpoint, requested });
  throw new TypeError('transport must resolve with status, headers.get() and body');
}

/** A transport that is written in JavaScript resolves with anything. */
function isResponse(value: unknown): value is FetchResponse {
  const { status, headers, body, readUpTo } = Object(value) as Partial<FetchResponse>;
  const hasBody = body !== undefined || readUpTo !== undefined;
  return typeof status === 'number' && typeof headers?.get === 'function' && hasBody;
}
