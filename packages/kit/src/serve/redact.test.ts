import { expect, it } from 'vitest';
import { redactText } from './redact.ts';

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';

it.each([
  ['alone', jwt, '[redacted]'],
  ['in quotes', `'${jwt}'`, "'[redacted]'"],
  ['after a hyphen', `token-${jwt}`, 'token-[redacted]'],
  ['after a dot', `a.${jwt}`, 'a.[redacted]'],
  ['after a short beginning of another one', `eyJ-x ${jwt}`, 'eyJ-x [redacted]'],
  ['after the same letters in its own word', `eyJ-eyJ-${jwt}`, '[redacted]'],
  ['twice', `${jwt} ${jwt}`, '[redacted] [redacted]'],
  ['without signature', jwt.slice(0, jwt.lastIndexOf('.')), '[redacted]'],
])('a JSON web token is not shown: %s', (_, text, shown) => {
  expect(redactText(text)).toBe(shown);
});

it('a text with many beginnings of JSON web tokens is scanned in linear time', () => {
  // Takes many seconds if the rest is scanned for each beginning.
  const text = 'eyJ-'.repeat(32 * 1024);
  expect(redactText(text)).toBe(text);
  expect(redactText(`${text}.`)).toBe(`${text}.`);
});
