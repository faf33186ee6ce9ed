import { ImdsError } from './errors.ts';
import type { FetchResponse } from './types.ts';

/** Ten times as much as a token with many groups. */
const longestBody = 64 * 1024;
/** Stateless between two complete texts. */
const wholeDecoder = new TextDecoder();

/** The body as text. One that is longer than any response of a metadata service is not read completely. */
export async function readBody(response: FetchResponse, endpoint: string): Promise<string> {
  if (response.readUpTo) {
    const whole = await response.readUpTo(longestBody);
    if (!whole) throw tooLong(endpoint);
    return wholeDecoder.decode(whole);
  }
  const { body } = response;
  if (!body) return response.text();
  const decoder = new TextDecoder();
  let size = 0;
  let read = '';
  for await (const part of body) {
    size += part.length;
    if (size > longestBody) throw tooLong(endpoint);
    read += decoder.decode(part, { stream: true });
  }
  return read + decoder.decode();
}

function tooLong(endpoint: string): ImdsError {
  const text = `${endpoint} answered more than ${longestBody} bytes: it is no metadata service`;
  return new ImdsError('invalid-response', text);
}
