import { expect, it } from 'vitest';
import { bodyOf, largestBody } from './body.ts';

it.each([
  [{}, 'none'],
  [{ 'content-length': '0' }, 'none'],
  [{ 'content-length': '1' }, 'small'],
  [{ 'content-length': `${largestBody}` }, 'small'],
  [{ 'content-length': `${largestBody + 1}` }, 'large'],
  [{ 'transfer-encoding': 'chunked' }, 'unknown'],
  [{ 'transfer-encoding': 'chunked', 'content-length': '0' }, 'unknown'],
] as const)('the headers %j tell of a body: %s', (headers, body) => {
  expect(bodyOf(headers)).toBe(body);
});

it('a body of more than 16 KiB is large', () => {
  expect(largestBody).toBe(16_384);
});
