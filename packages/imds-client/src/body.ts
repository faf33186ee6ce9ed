import { ImdsError, type Asked } from './errors.ts';
import { requestIdHeader, requestIdOf } from './response.ts';
import type { FetchResponse } from './types.ts';

export interface BodyRules {
  readonly endpoint: string;
  readonly asked?: Asked | undefined;
  /** Bytes. */
  readonly limit: number;
}

/**
 * The body as text, of at most as many bytes as the limit. A longer one is not read completely, except where the response of a given transport has only
 * `text()` and states no length: then what is read is the transport's, and only a text of more characters than the limit is refused.
 */
export async function readBody(response: FetchResponse, rules: BodyRules): Promise<string> {
  const { endpoint, limit, asked } = rules;
  const text = await readAtMost(response, limit);
  if (text !== undefined) return text;
  const reason = `${endpoint} answered more than ${limit} bytes: it is no metadata service`;
  const requestId = requestIdOf({ requestId: response.headers.get(requestIdHeader) });
  throw new ImdsError('invalid-response', reason, { requestId, asked });
}

/** Stateless between two complete texts. */
const wholeDecoder = new TextDecoder();

/** undefined: there are more bytes than the limit. */
async function readAtMost(response: FetchResponse, limit: number): Promise<string | undefined> {
  if (response.readUpTo) {
    const whole = await response.readUpTo(limit);
    return whole && wholeDecoder.decode(whole);
  }
  const { body, headers } = response;
  if (body) return readParts(body, limit);
  if (Number(headers.get('content-length')) > limit) return undefined;
  const text = await response.text();
  return text.length > limit ? undefined : text;
}

async function readParts(body: AsyncIterable<Uint8Array>, limit: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let size = 0;
  let read = '';
  for await (const part of body) {
    size += part.length;
    if (size > limit) return undefined;
    read += decoder.decode(part, { stream: true });
  }
  return read + decoder.decode();
}
