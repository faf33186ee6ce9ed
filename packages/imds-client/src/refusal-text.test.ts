import { expect, test } from 'vitest';
import { isWebPage, quotable } from './refusal-text.ts';

test.each([
  'accesstoken: x',
  'access_token = x',
  'it was ewogICJhbGci',
  'it was eyJhbGciOi',
  'bearer  abcdefghijklmnopqrst',
])('a text that may hold a token is not quoted: %s', (text) => {
  expect(quotable(text)).toBe('');
});

test.each(['an eyas is no token', 'a bearer token is needed', 'it knew of no access'])(
  'a sentence is quoted: %s',
  (text) => {
    expect(quotable(text)).toBe(text);
  },
);

test('only the half of a character at the cut is left out', () => {
  expect(quotable('\u{1f512} abc', 3)).toBe('\u{1f512} …');
  expect(quotable('ab\u{1f512}', 3)).toBe('ab…');
});

test.each([
  ['text/html; charset=utf-8', true],
  [' text/html', true],
  ['x-text/html', false],
  ['text/plain', false],
  [null, false],
])('a body of the type %j is a web page: %s', (contentType, expected) => {
  expect(isWebPage({ contentType, body: 'x' })).toBe(expected);
});
