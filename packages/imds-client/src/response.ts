import { ImdsError } from './errors.ts';
import { requestIdOf, type HttpResponse } from './http-response.ts';
import { readRefusal, type Circumstances } from './refusal.ts';
import { isWebPage, oneLine, parseObject, quotable, readText, webPage, type JsonObject } from './text.ts';
import type { AccessToken } from './types.ts';

export interface TokenCircumstances extends Circumstances {
  /** An `expires_on` in the past does not count beside `expires_in`: the clock may be ahead. */
  readonly tolerateClockSkew?: boolean | undefined;
}

/** The token of the endpoint's response, or why there is none. */
export function readTokenResponse(response: HttpResponse, at: TokenCircumstances): AccessToken | ImdsError {
  const body = parseObject(response.body);
  if (response.status !== 200) return readRefusal(response, body, at);
  // The body may hold a token, so no message quotes it.
  const read = body === undefined ? `without a JSON object${why(response)}` : readToken(body, at);
  if (typeof read !== 'string') return read;
  const requestId = requestIdOf(response, body);
  const details = { status: 200, requestId, requested: at.requested };
  return new ImdsError('invalid-response', `the endpoint answered 200 ${read}`, details);
}

/** What may be seen of a body that is not the expected one. Requests ask for no encoding, so one that has it is not decoded. */
function why(response: HttpResponse): string {
  if (isWebPage(response)) return ` (${webPage})`;
  const encoding = quotable(oneLine(response.encoding ?? ''), 50);
  return encoding && ` (Content-Encoding: ${encoding}, which was not asked for)`;
}

/** A token becomes a header of a request. */
const headerText = /^[\x20-\x7e]+$/;

/** A text says what is wrong with the response. */
function readToken(body: JsonObject, at: TokenCircumstances): AccessToken | string {
  const token = readText(body['access_token']);
  if (token === undefined) return 'without an access_token';
  if (!headerText.test(token)) return 'with an access_token that is not ASCII';
  const byLife = readSpan(body['expires_in'], at);
  const on = readExpiresOn(body, byLife, at);
  // A clock that is behind must not prolong a token, so both count.
  const expiresOnTimestamp = Math.min(on ?? Infinity, byLife ?? Infinity);
  const problem = problemOf(on, expiresOnTimestamp, at);
  if (problem !== undefined) return `with a token of no valid expiry: ${problem}`;
  return tokenOf({
    token,
    expiresOnTimestamp,
    refreshAfterTimestamp: readRefreshAfter(body, expiresOnTimestamp, at),
    notBeforeTimestamp: readNotBefore(body, at),
    tokenType: 'Bearer',
    resource: readText(body['resource']) ?? at.requested.resource,
    clientId: readText(body['client_id']),
  });
}

/** What logs an object shows it by `util.inspect`, which calls this. */
const hiding = Object.defineProperty({}, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: AccessToken) {
    return { ...this, token: `[${this.token.length} characters]` };
  },
});

type Fields = { readonly [Name in keyof AccessToken]-?: AccessToken[Name] | undefined };

/** Of the fields that have a value. */
function tokenOf(fields: Fields): AccessToken {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.assign(Object.create(hiding) as AccessToken, Object.fromEntries(given)));
}

function readExpiresOn(body: JsonObject, byLife: number | undefined, at: TokenCircumstances) {
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
function readTime(value: unknown, { parseDate }: Circumstances): number | undefined {
  const seconds = readNumber(value);
  if (seconds !== undefined) return seconds * 1000;
  const isDate = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]..:..)$/.test(value);
  const date = isDate ? parseDate(value) : NaN;
  return Number.isNaN(date) ? undefined : date;
}

function readNotBefore(body: JsonObject, at: Circumstances): number | undefined {
  const time = readTime(body['not_before'], at);
  return time !== undefined && time > 0 && time < Infinity ? time : undefined;
}

/** Seconds from now, as the time of their end. A life without an end, or of more than a year, is none. */
function readSpan(value: unknown, { now }: Circumstances): number | undefined {
  const ms = (readNumber(value) ?? 0) * 1000;
  return ms > 0 && ms <= longestLifeMs ? now + ms : undefined;
}

function readNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof number === 'number' ? number : undefined;
}
