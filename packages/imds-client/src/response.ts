import { ImdsError, oneLine, type RequestedToken, type ImdsErrorCode } from './errors.ts';
import { isObject, type JsonObject } from './objects.ts';
import { isWebPage, plainReason, quotable, webPage } from './refusal-text.ts';
import type { AccessToken } from './types.ts';

export const requestIdHeader = 'x-ms-request-id';

/** An HTTP response as a value. */
export interface HttpResponse {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The header `x-ms-request-id`. */
  readonly requestId: string | null;
  /** The header `content-type`. */
  readonly contentType?: string | null;
  /** The header `content-encoding`. */
  readonly encoding?: string | null;
  readonly body: string;
}

/** What is needed beside the response. */
export interface Circumstances {
  readonly requested: RequestedToken;
  /** When the response arrived, in milliseconds since the epoch. */
  readonly now: number;
  /** `Date.parse`: a pure file has no calendar of its own. */
  readonly parseDate: (text: string) => number;
  /** An `expires_on` in the past does not count beside `expires_in`: the clock may be ahead. */
  readonly tolerateClockSkew?: boolean | undefined;
}

/** The token of the endpoint's response, or why there is none. */
export function readTokenResponse(response: HttpResponse, at: Circumstances): AccessToken | ImdsError {
  const body = parseObject(response.body);
  if (response.status !== 200) return readRefusal(response, body, at);
  const read: Reading = { ...at, requestId: requestIdOf(response, body) };
  // The body may hold a token, so no message quotes it.
  return body === undefined
    ? unreadable(`without a JSON object${why(response)}`, read)
    : readToken(body, read);
}

/** What may be seen of a body that is not the expected one. Requests ask for no encoding, so one that has it is not decoded. */
function why(response: HttpResponse): string {
  if (isWebPage(response)) return ` (${webPage})`;
  const encoding = quotable(oneLine(response.encoding ?? ''), 50);
  return encoding && ` (Content-Encoding: ${encoding}, which was not asked for)`;
}

interface Reading extends Circumstances {
  readonly requestId: string | undefined;
}

/** The error of a response with the status 200 that is none of a metadata service. */
function unreadable(what: string, { requested, requestId }: Reading): ImdsError {
  const reason = `the endpoint answered 200 ${what}`;
  return new ImdsError('invalid-response', reason, { status: 200, requestId, requested });
}

export const noExpiry = 'with a token of no valid expiry';

/** A token becomes a header of a request. */
const headerText = /^[\x20-\x7e]+$/;

function readToken(body: JsonObject, at: Reading): AccessToken | ImdsError {
  const token = readText(body['access_token']);
  if (token === undefined) return unreadable('without an access_token', at);
  if (!headerText.test(token)) return unreadable('with an access_token that is not ASCII', at);
  const byLife = readSpan(body['expires_in'], at);
  const on = readExpiresOn(body, byLife, at);
  // A clock that is behind must not prolong a token, so both count.
  const expiresOnTimestamp = Math.min(on ?? Infinity, byLife ?? Infinity);
  const problem = problemOf(on, expiresOnTimestamp, at);
  if (problem !== undefined) return unreadable(`${noExpiry}: ${problem}`, at);
  return tokenOf({
    token,
    expiresOnTimestamp,
    tokenType: 'Bearer',
    resource: readText(body['resource']) ?? at.requested.resource,
    ...withoutUndefined({
      refreshAfterTimestamp: readRefreshAfter(body, expiresOnTimestamp, at),
      notBeforeTimestamp: readNotBefore(body, at),
      clientId: readText(body['client_id']),
    }),
  });
}

/** What logs an object shows it by `util.inspect`, which calls this. */
const hiding = Object.defineProperty({}, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: AccessToken) {
    return { ...this, token: `[${this.token.length} characters]` };
  },
});

function tokenOf(fields: AccessToken): AccessToken {
  return Object.freeze(Object.assign(Object.create(hiding) as object, fields));
}

function readExpiresOn(body: JsonObject, byLife: number | undefined, at: Circumstances): number | undefined {
  const on = readTime(body['expires_on'], at);
  const isSkewed = at.tolerateClockSkew === true && byLife !== undefined && on !== undefined && on <= at.now;
  return isSkewed ? undefined : on;
}

/** Managed identity tokens live for a day. A longer life than this is a number in milliseconds, or garbage. */
const longestLifeMs = 366 * 86_400_000;

/**
 * Why there is no valid expiry. A time in `expires_on` must be one, whatever `expires_in` is: that of a response that something cached counts from
 * when the token was issued, and would give an expired token another life.
 */
function problemOf(on: number | undefined, expiresOn: number, { now }: Circumstances): string | undefined {
  if (on === undefined)
    return expiresOn === Infinity ? 'neither expires_on nor expires_in is a valid time' : undefined;
  if (on <= now) return 'expires_on is in the past (is the clock of this machine ahead?)';
  if (on <= now + longestLifeMs) return undefined;
  return 'expires_on is more than a year ahead (in milliseconds? is the clock of this machine behind?)';
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

/** The documented form is seconds since the epoch in a string; a number or an ISO date with a zone is a time, too. Infinity is one: it is not garbled. */
function readTime(value: unknown, at: Circumstances): number | undefined {
  const seconds = readNumber(value);
  if (seconds !== undefined) return seconds * 1000;
  const date =
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]..:..)$/.test(value)
      ? at.parseDate(value)
      : NaN;
  return Number.isNaN(date) ? undefined : date;
}

function readNotBefore(body: JsonObject, at: Circumstances): number | undefined {
  const time = readTime(body['not_before'], at);
  return time !== undefined && time > 0 && time < Infinity ? time : undefined;
}

/** Seconds from now, as the time of their end. A life without an end, or of more than a year, is none. */
function readSpan(value: unknown, at: Circumstances): number | undefined {
  const ms = (readNumber(value) ?? 0) * 1000;
  return ms > 0 && ms <= longestLifeMs ? at.now + ms : undefined;
}

function readNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof number === 'number' ? number : undefined;
}

/** Why the endpoint gave nothing. `body` is undefined if it is not JSON. */
function readRefusal(response: HttpResponse, body: JsonObject | undefined, at: Circumstances): ImdsError {
  const description = readText(body?.['error_description']) ?? '';
  const serviceCode = wordOf(body?.['error'], description);
  const text = quotable(description);
  const words = [serviceCode, oneLine(text)].filter(Boolean).join(': ');
  const plain = body === undefined ? plainReason(response) : '';
  return new ImdsError(
    codeOf(response.status, description),
    `the endpoint answered ${response.status}${words && ` ${words}`}${plain && `: ${plain}`}`,
    {
      status: response.status,
      serviceCode,
      description: /[\r\n]/.test(text) ? text : undefined,
      retryAfterMs: readRetryAfter(response.retryAfter, at),
      requestId: requestIdOf(response, body),
      requested: at.requested,
    },
  );
}

/** From the header, else from the body. */
export function requestIdOf(
  response: Pick<HttpResponse, 'requestId'>,
  body: JsonObject = {},
): string | undefined {
  const value = response.requestId ?? body['correlation_id'];
  // Ids are of letters, digits and dashes.
  return typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined;
}

const longestCode = 500;

/**
 * NMI appends the description to the code, or its beginning and three dots, for clients that show nothing else; with a space for characters that are not
 * printable ASCII.
 */
function wordOf(value: unknown, description: string): string | undefined {
  const error = oneLine(readText(value) ?? '');
  const at = error.indexOf(': ');
  const reported = inAscii(error.slice(at + 2)).replace(/\.\.\.$/, '');
  const isRepeated = at > 0 && reported !== '' && inAscii(description).startsWith(reported);
  return readText(quotable(isRepeated ? error.slice(0, at) : error, longestCode));
}

function inAscii(text: string): string {
  return text.replace(/[^ -~]+/g, ' ');
}

const codes: Readonly<Partial<Record<number, ImdsErrorCode>>> = {
  401: 'denied',
  403: 'denied',
  404: 'unavailable',
  408: 'unavailable',
  410: 'unavailable',
  429: 'throttled',
};

function codeOf(status: number, description: string): ImdsErrorCode {
  if (status >= 500 && status <= 599) return 'unavailable';
  if (status < 400 || status > 499) return 'invalid-response';
  return codes[status] ?? kindOfBadRequest(description);
}

/** Of IMDS; and of Azure Arc, App Service and programs that pass on the text of an SDK (the test says which). */
const notAssigned =
  /identity (was )?not found|managed identity found for|identity (isn't|is not|has not been) assigned to this|no default identity is assigned/i;

/** The kind of a 400 is only in the description, whether that is quoted or not. NMI begins that of several identities with "Identity not found", too. */
function kindOfBadRequest(description: string): ImdsErrorCode {
  if (/multiple user assigned identities/i.test(description)) return 'ambiguous-identity';
  return notAssigned.test(description) ? 'identity-not-found' : 'bad-request';
}

/** The one form of dates that HTTP lets servers write. */
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds or an HTTP date, as milliseconds from now. */
function readRetryAfter(header: string | null, at: Circumstances): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const isSeconds = /^\d+$/.test(text);
  if (!isSeconds && !httpDate.test(text)) return undefined;
  const ms = isSeconds ? Number(text) * 1000 : at.parseDate(text) - at.now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields without those whose value is undefined. */
function withoutUndefined<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
