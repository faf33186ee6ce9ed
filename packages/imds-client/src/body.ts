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

/** The body as text. One that is longer than the limit is not read completely, unless a given transport has only `text()`: the limit does not hold for it. */
export async function readBody(response: FetchResponse, rules: BodyRules): Promise<string> {
  if (response.readUpTo) {
    const whole = await response.readUpTo(rules.limit);
    if (!whole) throw tooLong(response, rules);
    return wholeDecoder.decode(whole);
  }
  const { body } = response;
  if (!body) return response.text();
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
