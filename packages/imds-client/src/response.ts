import { ImdsError, oneLine, type Asked, type ImdsErrorCode } from './errors.ts';
import type { AccessToken } from './types.ts';

/** An HTTP response as a value. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The header `x-ms-request-id`. */
  readonly requestId: string | null;
  readonly body: string;
}

/** What is needed beside the response. */
export interface Circumstances {
  readonly asked: Asked;
  /** When the response arrived, in milliseconds since the epoch. */
  readonly now: number;
  /** `Date.parse`: a pure file has no calendar of its own. */
  readonly parseDate: (text: string) => number;
}

type RefusalCircumstances = Omit<Circumstances, 'asked'> & Partial<Circumstances>;

export type JsonObject = Readonly<Record<string, unknown>>;

/** The token of the endpoint's response, or why there is none. */
export function readAnswer(answer: Answer, at: Circumstances): AccessToken | ImdsError {
  const body = parseObject(answer.body);
  if (answer.status !== 200) return readRefusal(answer, body ?? {}, at);
  // The body may hold a token, so no message quotes it.
  return body === undefined ? unreadable('without a JSON object', at) : readToken(body, at);
}

function unreadable(what: string, { asked }: Circumstances): ImdsError {
  return new ImdsError('invalid-response', `the endpoint answered 200 ${what}`, { status: 200, asked });
}

function readToken(body: JsonObject, at: Circumstances): AccessToken | ImdsError {
  const token = readText(body['access_token']);
  if (token === undefined) return unreadable('without an access_token', at);
  // It becomes a header of a request.
  if (!/^[\x20-\x7e]+$/.test(token))
    return unreadable('with an access_token of other characters than those of ASCII', at);
  const expiresOnTimestamp = readExpiry(body, at);
  if (expiresOnTimestamp === undefined) {
    return unreadable(`with a token of no valid expiry: ${problemOf(body['expires_on'], at)}`, at);
  }
  return Object.freeze({
    token,
    expiresOnTimestamp,
    ...optional('refreshAfterTimestamp', readRefreshAfter(body, expiresOnTimestamp, at)),
    ...optional('notBeforeTimestamp', readTime(body['not_before'], at)),
    tokenType: 'Bearer',
    resource: readText(body['resource']) ?? at.asked.resource,
    ...optional('clientId', readText(body['client_id'])),
  });
}

/** Managed identity tokens live for a day. A longer life than this is a number in milliseconds, or garbage. */
const longestLifeMs = 366 * 24 * 60 * 60 * 1000;

/**
 * The earlier of `expires_on` and `expires_in` from now: a clock that is behind must not prolong a token. No token
 * has expired when it arrives, so if `expires_on` is past, the clock is ahead, and `expires_in` alone counts. Without it there is no expiry.
 */
function readExpiry(body: JsonObject, at: Circumstances): number | undefined {
  const times = [readTime(body['expires_on'], at), readSpan(body['expires_in'], at)];
  const valid = times.filter((time) => time !== undefined && isAhead(time, at));
  return valid.length === 0 ? undefined : Math.min(...(valid as number[]));
}

function isAhead(time: number, { now }: Circumstances): boolean {
  return time > now && time <= now + longestLifeMs;
}

function problemOf(expiresOn: unknown, at: Circumstances): string {
  const on = readTime(expiresOn, at);
  if (on === undefined) return 'neither expires_on nor expires_in is a time';
  if (on <= at.now) return 'expires_on is in the past (is the clock of this machine ahead?)';
  return 'expires_on is more than a year ahead (it is in seconds, not in milliseconds)';
}

const longLifeMs = 2 * 60 * 60 * 1000;

/** A `refresh_in` of less would be a request for nearly each call. */
const leastRefreshMs = 60_000;

/** The endpoint's time, if it is within the lifetime; else, as in Azure's SDKs, half of the lifetime if the token lives long. */
function readRefreshAfter(body: JsonObject, expiresOn: number, at: Circumstances): number | undefined {
  const lifeMs = expiresOn - at.now;
  const stated = readSpan(body['refresh_in'], at);
  if (stated !== undefined && stated >= at.now + leastRefreshMs && stated < expiresOn) return stated;
  return lifeMs >= longLifeMs ? at.now + lifeMs / 2 : undefined;
}

/** Seconds since the epoch, as a number or (the documented form) in a string; or an ISO date. */
function readTime(value: unknown, at: Circumstances): number | undefined {
  const seconds = readSeconds(value);
  if (seconds !== undefined) return seconds * 1000;
  const date = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) ? at.parseDate(value) : NaN;
  return Number.isFinite(date) ? date : undefined;
}

/** Seconds from now. */
function readSpan(value: unknown, at: Circumstances): number | undefined {
  const seconds = readSeconds(value);
  return seconds === undefined ? undefined : at.now + seconds * 1000;
}

function readSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** Why the endpoint gave nothing. */
export function readRefusal(answer: Answer, body: JsonObject, at: RefusalCircumstances): ImdsError {
  const description = oneLine(readText(body['error_description']) ?? '');
  const serviceCode = wordOf(readText(body['error']), description);
  const words = [serviceCode, description].filter(Boolean).join(': ').slice(0, 500);
  return new ImdsError(
    codeOf(answer.status, description),
    `the endpoint answered ${answer.status}${words === '' ? '' : ` ${words}`}`,
    {
      status: answer.status,
      serviceCode,
      retryAfterMs: readRetryAfter(answer.retryAfter, at),
      requestId: readRequestId(answer.requestId ?? body['correlation_id']),
      asked: at.asked,
    },
  );
}

/** Ids are of letters, digits and dashes. */
function readRequestId(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined;
}

/** NMI appends the description to the code, for clients that show nothing else. */
function wordOf(given: string | undefined, description: string): string | undefined {
  const error = given === undefined ? undefined : oneLine(given).slice(0, 2_000);
  const told = `: ${description}`;
  return description !== '' && error?.endsWith(told) ? readText(error.slice(0, -told.length)) : error;
}

const codes: ReadonlyMap<number, ImdsErrorCode> = new Map([
  [401, 'denied'],
  [403, 'denied'],
  [404, 'unavailable'],
  [410, 'unavailable'],
  [429, 'throttled'],
]);

function codeOf(status: number, description: string): ImdsErrorCode {
  if (status >= 500 && status <= 599) return 'unavailable';
  if (status < 400 || status > 499) return 'invalid-response';
  return codes.get(status) ?? kindOfBadRequest(description);
}

/** The kind of a 400 is only in the description. */
function kindOfBadRequest(description: string): ImdsErrorCode {
  if (/identity not found/i.test(description)) return 'identity-not-found';
  return /multiple user assigned identities/i.test(description) ? 'ambiguous-identity' : 'bad-request';
}

/** The one form of dates that HTTP lets servers write. */
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds or an HTTP date, as milliseconds from now. */
function readRetryAfter(header: string | null, at: RefusalCircumstances): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (!/^\d+$/.test(text) && !httpDate.test(text)) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : at.parseDate(text) - at.now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

export function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The field, or no field if the value is undefined. */
function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
