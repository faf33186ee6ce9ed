import { ImdsError } from './errors.ts';
import type { FetchResponse } from './types.ts';

/** A token with many groups has a tenth of it. */
const longestBody = 64 * 1024;

/** The body as text. One that is longer than any answer of a metadata service is not read to its end. */
export async function readBody(response: FetchResponse, endpoint: string): Promise<string> {
  const { body } = response;
  if (!body) return response.text();
  const decoder = new TextDecoder();
  let size = 0;
  let read = '';
  for await (const part of body) {
    size += part.length;
    if (size > longestBody)
      throw new ImdsError(
        'invalid-response',
        `${endpoint} answered more than ${longestBody} bytes: it is no metadata service`,
      );
    read += decoder.decode(part, { stream: true });
  }
  return read + decoder.decode();
}
