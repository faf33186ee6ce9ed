import { ImdsError } from './errors.ts';
import type { JsonObject } from './text.ts';
import type { FetchResponse, RequestedToken } from './types.ts';

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

export interface BodyRules {
  readonly endpoint: string;
  readonly requested?: RequestedToken | undefined;
  /** Bytes. */
  readonly limit?: number;
}

export async function readResponse(response: FetchResponse, rules: BodyRules): Promise<HttpResponse> {
  const { status, headers } = response;
  const body = await readBody(response, rules);
  return {
    status,
    retryAfter: headers.get('retry-after'),
    contentType: headers.get('content-type'),
    encoding: headers.get('content-encoding'),
    requestId: headers.get(requestIdHeader),
    body,
  };
}

/** Bytes: ten times as much as a token with many groups. */
const bodyLimit = 64 * 1024;

/** The body as text, of at most as many bytes as the limit. A longer one is not read completely. */
export async function readBody(response: FetchResponse, rules: BodyRules): Promise<string> {
  const { limit = bodyLimit } = rules;
  const decoder = new TextDecoder();
  if (response.readUpTo) {
    const whole = await response.readUpTo(limit);
    if (!whole) throw tooLong(response, limit, rules);
    return decoder.decode(whole);
  }
  let size = 0;
  let read = '';
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > limit) throw tooLong(response, limit, rules);
    read += decoder.decode(part, { stream: true });
  }
  return read + decoder.decode();
}

function tooLong({ headers }: FetchResponse, limit: number, { endpoint, requested }: BodyRules): ImdsError {
  const reason = `${endpoint} answered more than ${limit} bytes: it is no metadata service`;
  const requestId = requestIdOf({ requestId: headers.get(requestIdHeader) });
  return new ImdsError('invalid-response', reason, { requestId, requested });
}

const requestIdHeader = 'x-ms-request-id';

/** From the header, else from the body. Ids are of letters, digits and dashes. */
export function requestIdOf(
  response: Pick<HttpResponse, 'requestId'>,
  body: JsonObject = {},
): string | undefined {
  const value = response.requestId ?? body['correlation_id'];
  return typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined;
}
