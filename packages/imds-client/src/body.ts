import { ImdsError, type Asked } from './errors.ts';
import { requestIdHeader, requestIdOf } from './response.ts';
import type { FetchResponse } from './types.ts';

export interface BodyRules {
  readonly endpoint: string;
  readonly asked?: Asked | undefined;
  /** Bytes. */
  readonly limit: number;
}

/** Stateless between two complete texts. */
const wholeDecoder = new TextDecoder();

/**
 * The body as text, of at most as many bytes as the limit. A longer one is not read completely, except where the response of a given transport has only
 * `text()` and states no length: then what is read is the transport's, and only a text of more characters than the limit is refused.
 */
export async function readBody(response: FetchResponse, rules: BodyRules): Promise<string> {
  if (response.readUpTo) {
    const whole = await response.readUpTo(rules.limit);
    if (!whole) throw tooLong(response, rules);
    return wholeDecoder.decode(whole);
  }
  const { body } = response;
  if (!body) {
    if (Number(response.headers.get('content-length')) > rules.limit) throw tooLong(response, rules);
    const text = await response.text();
    if (text.length > rules.limit) throw tooLong(response, rules);
    return text;
  }
  const decoder = new TextDecoder();
  let size = 0;
  let read = '';
  for await (const part of body) {
    size += part.length;
    if (size > rules.limit) throw tooLong(response, rules);
    read += decoder.decode(part, { stream: true });
  }
  return read + decoder.decode();
}

function tooLong({ headers }: FetchResponse, { endpoint, limit, asked }: BodyRules): ImdsError {
  const reason = `${endpoint} answered more than ${limit} bytes: it is no metadata service`;
  const requestId = requestIdOf({ requestId: headers.get(requestIdHeader) });
  return new ImdsError('invalid-response', reason, { requestId, asked });
}
