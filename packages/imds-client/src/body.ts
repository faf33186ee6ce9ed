import { ImdsError, type RequestedToken } from './errors.ts';
import { requestIdHeader, requestIdOf } from './response.ts';
import type { FetchResponse } from './types.ts';

export interface BodyRules {
  readonly endpoint: string;
  readonly requested?: RequestedToken | undefined;
  /** Bytes. */
  readonly limit: number;
}

/** The body as text, of at most as many bytes as the limit. A longer one is not read completely. */
export async function readBody(response: FetchResponse, rules: BodyRules): Promise<string> {
  const decoder = new TextDecoder();
  if (response.readUpTo) {
    const whole = await response.readUpTo(rules.limit);
    if (!whole) throw tooLong(response, rules);
    return decoder.decode(whole);
  }
  let size = 0;
  let read = '';
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > rules.limit) throw tooLong(response, rules);
    read += decoder.decode(part, { stream: true });
  }
  return read + decoder.decode();
}

function tooLong({ headers }: FetchResponse, { endpoint, limit, requested }: BodyRules): ImdsError {
  const reason = `${endpoint} answered more than ${limit} bytes: it is no metadata service`;
  const requestId = requestIdOf({ requestId: headers.get(requestIdHeader) });
  return new ImdsError('invalid-response', reason, { requestId, requested });
}
