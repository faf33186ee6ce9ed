import { expect, test } from 'vitest';
import { wrap } from './wrap.ts';

test('a line is as long as the columns allow, and further lines are indented as the first one', () => {
  expect(wrap('  one two three', 9)).toEqual(['  one two', '  three']);
  expect(wrap('one two three', 13)).toEqual(['one two three']);
  expect(wrap('one two three', 12)).toEqual(['one two', 'three']);
});

test('further lines of a text with a label begin below what follows the label', () => {
  expect(wrap(' log  one two three', 13)).toEqual([' log  one two', '      three']);
  expect(wrap('two words  one two', 14)).toEqual(['two words  one', '           two']);
});

test('a word that is longer than a line stays whole: an address can be copied', () => {
  expect(wrap('see http://127.0.0.1:8080/page now', 10)).toEqual([
    'see',
    'http://127.0.0.1:8080/page',
    'now',
  ]);
});

test('without a limit there is one line, and an empty text is an empty line', () => {
  expect(wrap('one two', Infinity)).toEqual(['one two']);
  expect(wrap('', 80)).toEqual(['']);
});
