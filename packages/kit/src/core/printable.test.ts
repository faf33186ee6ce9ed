import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { asciiJson, printable } from './printable.ts';

describe('printable text', () => {
  it.each([
    ['the end of a line', 'a\nb\r\u0085\u2028\u2029', String.raw`a\nb\r\u0085\u2028\u2029`],
    [
      'escape sequences, in seven bits and in eight',
      '\u001b[2J\u009b31m\u0007',
      String.raw`\u001b[2J\u009b31m\u0007`,
    ],
    ['text that runs the other way', 'a\u202eb\u2066c\u200f', String.raw`a\u202eb\u2066c\u200f`],
    ['what cannot be seen', 'a\u200bb\ufeff\u00ad\u{e0041}', String.raw`a\u200bb\ufeff\u00ad\udb40\udc41`],
    [
      'letters and signs that cannot be seen',
      '\u3164\u115f\u1160\uffa0\u2800\u{1d159}\u{13441}\u{13442}',
      String.raw`\u3164\u115f\u1160\uffa0\u2800\ud834\udd59\ud80d\udc41\ud80d\udc42`,
    ],
    [
      'marks that cannot be seen',
      'a\ufe0f\u{e0100}\u034f\u{16fe4}',
      String.raw`a\ufe0f\udb40\udd00\u034f\ud81b\udfe4`,
    ],
    ['marks on what is no letter', '\u0301" \u20dd', String.raw`\u0301" \u20dd`],
    [
      'the marks of a pile after the fourth',
      `a${'\u0301'.repeat(6)}b\u0301`,
      String.raw`a${'\u0301'.repeat(4)}\u0301\u0301b${'\u0301'}`,
    ],
    ['half a character', 'a\ud800', String.raw`a\ud800`],
    ['spaces that are none', 'a\u00a0b\u3000', String.raw`a\u00a0b\u3000`],
  ])('shows %s as in JSON', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('leaves ordinary text unchanged', () => {
    const text = '✓ answer       client_id=c’est “là”, 名前 …: "x" \\ 😀 क्षि བསྒྲུབས ที่ שָׁ ệ'.normalize('NFD');
    expect(printable(text)).toBe(text);
  });

  it('contains only visible characters, whatever the input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|\p{M}{5}/u);
      }),
    );
  });
});

test('JSON in ASCII is the same JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.string({ unit: 'binary' }), (json, text) => {
      expect(JSON.parse(asciiJson(json))).toEqual(JSON.parse(json));
      expect(JSON.parse(asciiJson(JSON.stringify({ text })))).toEqual({ text });
      expect(asciiJson(JSON.stringify(text))).toMatch(/^[\x20-\x7e]*$/);
    }),
  );
});
