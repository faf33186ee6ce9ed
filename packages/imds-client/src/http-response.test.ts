import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readBody } from './http-response.ts';
import type { FetchResponse } from './types.ts';

const rules = { endpoint: 'http://h', requested: { resource: 'r' }, limit: 6 };

/** A response like that of `fetch`, whose body comes in these parts. */
function inParts(...parts: readonly Uint8Array[]): FetchResponse {
  return {
    status: 200,
    headers: new Headers(),
    body: Readable.from(parts),
  };
}
const bytes = (text: string) => new TextEncoder().encode(text);

test('a body in parts is read whole, although a character is cut', async () => {
  const whole = bytes('a\u20acb');
  expect(await readBody(inParts(whole.subarray(0, 2), whole.subarray(2)), rules)).toBe('a\u20acb');
});

test('a body may have as many bytes as the limit, in all parts together, and no more', async () => {
  expect(await readBody(inParts(bytes('abc'), bytes('def')), rules)).toBe('abcdef');
  await expect(readBody(inParts(bytes('abc'), bytes('defg')), rules)).rejects.toMatchObject({
    code: 'invalid-response',
    reason: 'http://h answered more than 6 bytes: it is no metadata service',
    resource: 'r',
  });
});

test('a response without a body has an empty one', async () => {
  expect(await readBody({ status: 200, headers: new Headers(), body: null }, rules)).toBe('');
});

describe('a body of more bytes than a token has is refused with the id of the request', () => {
  test.each<[string, Partial<FetchResponse>]>([
    ['that is read by the transport', { readUpTo: () => Promise.resolve(undefined) }],
    ['that is read in parts', {}],
  ])('%s', async (_, more) => {
    const response = {
      ...inParts(bytes('abcdefg')),
      headers: new Headers({ 'x-ms-request-id': 'id-1' }),
      ...more,
    };
    await expect(readBody(response, rules)).rejects.toMatchObject({
      code: 'invalid-response',
      requestId: 'id-1',
      resource: 'r',
    });
  });
});
