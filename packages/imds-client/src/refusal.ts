import { ImdsError, type ImdsErrorCode } from './errors.ts';
import { requestIdOf, type HttpResponse } from './http-response.ts';
import { oneLine, parseObject, plainReason, quotable, readText, type JsonObject } from './text.ts';
import type { RequestedToken } from './types.ts';

/** What is needed beside a response. */
export interface Circumstances {
  readonly requested: RequestedToken;
  /** When the response arrived, in milliseconds since the epoch. */
  readonly now: number;
  /** `Date.parse`: a pure file has no calendar of its own. */
  readonly parseDate: (text: string) => number;
}

/** Why the endpoint gave nothing. `body` is undefined if it is not JSON. */
export function readRefusal(
  response: HttpResponse,
  body: JsonObject | undefined,
  at: Circumstances,
): ImdsError {
  const { status, retryAfter } = response;
  const description = readText(body?.['error_description']) ?? '';
  const serviceCode = wordOf(body?.['error'], description);
  const text = quotable(description);
  const words = [serviceCode, oneLine(text)].filter(Boolean).join(': ');
  const plain = body === undefined ? plainReason(response) : '';
  const reason = `the endpoint answered ${status}${words && ` ${words}`}${plain && `: ${plain}`}`;
  return new ImdsError(codeOf(status, description), reason, {
    status,
    serviceCode,
    description: /[\r\n]/.test(text) ? text : undefined,
    retryAfterMs: readRetryAfter(retryAfter, at),
    requestId: requestIdOf(response, body),
    requested: at.requested,
  });
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

/** Of IMDS; and of Azure Arc, App Service and programs that pass on the text of an SDK (the test says which). */
const notAssigned =
  /identity (was )?not found|managed identity found for|identity (isn't|is not|has not been) assigned to this|no default identity is assigned/i;

/** The kind of a 400 is only in the description, whether that is quoted or not. NMI begins that of several identities with "Identity not found", too. */
function codeOf(status: number, description: string): ImdsErrorCode {
  if (status >= 500 && status <= 599) return 'unavailable';
  if (status < 400 || status > 499) return 'invalid-response';
  const code = codes[status];
  if (code !== undefined) return code;
  if (/multiple user assigned identities/i.test(description)) return 'ambiguous-identity';
  return notAssigned.test(description) ? 'identity-not-found' : 'bad-request';
}

/** The one form of dates that HTTP lets servers write. */
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds or an HTTP date, as milliseconds from now. */
function readRetryAfter(header: string | null, { now, parseDate }: Circumstances): number | undefined {
  const text = header?.trim() ?? '';
  const isSeconds = /^\d+$/.test(text);
  if (!isSeconds && !httpDate.test(text)) return undefined;
  const ms = isSeconds ? Number(text) * 1000 : parseDate(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/**
 * Whether the response to a request without the header `Metadata` is one of a metadata service: its 400, whose JSON has an `error`. While it is
 * updated, throttles or is out of order it answers with other statuses: 410 and 429, which other servers rarely have, or any refusal in its
 * own form, JSON with `error` and `error_description`. Every web server has a 404 and a 500 for a path that it does not know.
 */
export function isOfMetadataService({ status, body }: HttpResponse): boolean {
  if (status === 410 || status === 429) return true;
  const { error, error_description: description } = parseObject(body) ?? {};
  const hasError = status >= 400 && readText(error) !== undefined;
  return hasError && (status === 400 || readText(description) !== undefined);
}
