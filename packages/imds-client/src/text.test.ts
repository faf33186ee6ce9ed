import { describe, expect, test } from 'vitest';
import { isWebPage, quotable } from './text.ts';

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

describe('a word of at least 130 characters, which may be a token', () => {
  const name = 'a'.repeat(130);
  test.each([
    [`Pod ${name} has no label`, 'Pod [130 characters left out] has no label'],
    // Base64 may have a slash or two in a token: no part of such a word is quoted.
    [`Pod shop/${name}: no label`, 'Pod [136 characters left out] no label'],
    [
      `${name}\n${name}/x\t"${name}"`,
      '[130 characters left out]\n[132 characters left out]\t[132 characters left out]',
    ],
    [name.slice(1), name.slice(1)],
    // An ARM id is long, but its parts are not.
    ['/subscriptions/s'.repeat(20), '/subscriptions/s'.repeat(20)],
  ])('is left out, and the rest of the text is quoted: %j', (text, expected) => {
    expect(quotable(text)).toBe(expected);
  });

  test.each(['Az0_', '0.', 'a=', '+a', '~-'])('is one of the characters of %j', (some) => {
    const word = some.repeat(130 / some.length + 1);
    expect(quotable(`was ${word}`)).toBe(`was [${word.length} characters left out]`);
  });

  test('is left out before the text is cut, and does not hide a token elsewhere', () => {
    expect(quotable(`${name} abc`, 27)).toBe('[130 characters left out] a…');
    expect(quotable(`${name} eyJhbGciOi`)).toBe('');
    expect(quotable(`access_token=${name}`)).toBe('');
  });
});

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
