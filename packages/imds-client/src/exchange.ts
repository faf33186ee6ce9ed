import { readBody } from './body.ts';
import { aborted, ImdsError, isImdsError, type Asked } from './errors.ts';
import { failureOf } from './failure.ts';
import type { Enter } from './places.ts';
import { requestIdHeader, type Answer } from './response.ts';
import type { Aboard, StartTimer } from './single-flight.ts';
import type { FetchLike, FetchResponse } from './types.ts';
import { version } from './version.ts';

const userAgent = `pod-identity-imds-client/${version}`;

/** One request, and how much of a response is read. */
export interface Question {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body. */
  readonly limit: number;
  /** What is asked for, for the text of errors. */
  readonly asked?: Asked | undefined;
}

export interface ExchangeRules {
  readonly endpoint: string;
  readonly transport: FetchLike;
  /** Waits until the endpoint may have another request. */
  readonly enter: Enter;
  readonly startTimer: StartTimer;
  /** Milliseconds from when the request is sent on. */
  readonly timeoutMs: number;
  /** Milliseconds after which it ends if nobody waits for the response by then. */
  readonly unwantedMs: number;
  readonly aboard: Aboard;
}

/**
 * One try: the response as a value, or why there is none. It ends by the timeout and the signal even if the transport ignores its own
 * signal. The timeout begins when there is a place for the request.
 *
 * @throws Error - the transport threw a programming error
 */
export async function exchange(
  question: Question,
  rules: ExchangeRules,
  signal: AbortSignal,
): Promise<Answer | ImdsError> {
  const entered = rules.enter(signal, rules.aboard);
  const leave = entered instanceof Promise ? await entered.catch(() => undefined) : entered;
  try {
    return signal.aborted ? endOf(signal) : await sendInTime(question, rules, signal);
  } finally {
    leave?.();
  }
}

async function sendInTime(
  question: Question,
  rules: ExchangeRules,
  signal: AbortSignal,
): Promise<Answer | ImdsError> {
  const { endpoint, startTimer, timeoutMs, unwantedMs, aboard } = rules;
  const { asked } = question;
  const ending = createEnding(signal);
  const giveUp = (ms: number) =>
    ending.end(new ImdsError('timeout', `${endpoint} did not answer within ${ms} ms`, { asked }));
  const firstMs = Math.min(unwantedMs, timeoutMs);
  let timer = startTimer(firstMs, () => {
    const leftMs = timeoutMs - firstMs;
    if (leftMs > 0 && aboard.waiting > 0) timer = startTimer(leftMs, () => giveUp(timeoutMs));
    else giveUp(firstMs);
  });
  try {
    return await Promise.race([ending.ended, send(question, rules, ending.signal)]);
  } catch (cause) {
    if (isImdsError(cause)) return cause;
    const failure = failureOf({ endpoint, cause, asked });
    if (!isImdsError(failure)) throw failure;
    return failure;
  } finally {
    timer.clear();
    ending.forget();
  }
}

function endOf({ reason }: AbortSignal): ImdsError {
  return isImdsError(reason) ? reason : aborted(reason);
}

/** A signal for the transport, and the error that the wait for it ends with. */
function createEnding(outer: AbortSignal) {
  const controller = new AbortController();
  let end: (error: ImdsError) => void = () => undefined;
  const ended = new Promise<ImdsError>((resolve) => {
    end = (error) => {
      // First: the transport rejects as soon as it is aborted.
      resolve(error);
      controller.abort(error);
    };
  });
  const abort = () => end(endOf(outer));
  outer.addEventListener('abort', abort);
  return { signal: controller.signal, ended, end, forget: () => outer.removeEventListener('abort', abort) };
}

async function send(question: Question, rules: ExchangeRules, signal: AbortSignal): Promise<Answer> {
  const { endpoint, transport } = rules;
  const { url, limit, asked } = question;
  const headers = { ...question.headers, 'User-Agent': userAgent };
  const response = checked(await transport(url, { method: 'GET', headers, redirect: 'manual', signal }));
  const body = await readBody(response, { endpoint, limit, asked });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    contentType: response.headers.get('content-type'),
    requestId: response.headers.get(requestIdHeader),
    body,
  };
}

/** What a transport written in JavaScript resolved with. */
function checked(response: FetchResponse): FetchResponse {
  const given = response as Partial<FetchResponse> | undefined | null;
  if (typeof given?.status === 'number' && typeof given.headers?.get === 'function') return response;
  throw new TypeError('transport must resolve with a response that has status, headers.get() and text()');
}
