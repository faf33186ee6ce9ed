import { expect, test } from 'vitest';
import { excerpt, find, type Entry } from './ranking.ts';
import { sectionsOf } from './sections.ts';

const entry = (title: string, text: string, more: Partial<Entry> = {}): Entry => ({
  title,
  page: 'Page',
  shelf: 'Reference',
  url: title,
  text,
  ...more,
});
const titles = (entries: readonly Entry[], query: string) => find(entries, query).map(({ title }) => title);

test('each heading is an entry with the text below it, without the marks of Markdown', () => {
  const text =
    '# Errors\n\nAll `codes`, [here](x.md).\n\n## 403\n\n| a | b |\n| --- | --- |\n| **x** | y |\n\n```sh\n# no heading\n```\n';
  expect(sectionsOf({ title: 'Errors', text, url: 'errors.html', shelf: 'Reference' })).toEqual([
    { title: 'Errors', page: 'Errors', shelf: 'Reference', url: 'errors.html', text: 'All codes , here.' },
    {
      title: '403',
      page: 'Errors',
      shelf: 'Reference',
      url: 'errors.html#403',
      text: 'a b x y # no heading',
    },
  ]);
});

test('an entry must have all words, in any order; if none has, those with some are shown', () => {
  const entries = [entry('both', 'the token of a pod'), entry('one', 'a pod'), entry('none', 'nothing')];
  expect(titles(entries, 'pod token')).toEqual(['both']);
  expect(titles(entries, 'pod unheard')).toEqual(['both', 'one']);
  expect(titles(entries, 'unheard')).toEqual([]);
  expect(titles(entries, '  ')).toEqual([]);
});

test('a title comes before text, the whole phrase before its words, a whole word before a part of one', () => {
  expect(titles([entry('text', 'no token'), entry('No token', '')], 'no token')).toEqual([
    'No token',
    'text',
  ]);
  expect(titles([entry('words', 'token no'), entry('phrase', 'no token')], 'no token')).toEqual([
    'phrase',
    'words',
  ]);
  expect(titles([entry('part', 'unbound'), entry('word', 'bound')], 'bound')).toEqual(['word', 'part']);
});

test('what an administrator reads comes before what a contributor reads', () => {
  const shelves = ['Decisions', 'Contributor', 'Administrator'];
  const entries = shelves.map((shelf) => entry(shelf, 'the taint', { shelf }));
  expect(titles(entries, 'taint')).toEqual(shelves.toReversed());
});

test('an excerpt shows the hit, marked, and begins with a whole word', () => {
  const text = `${'before '.repeat(40)}a forbidden (403) answer ${'after '.repeat(40)}`;
  const pieces = excerpt(text, 'FORBIDDEN (403)');
  expect(pieces.filter(({ isHit }) => isHit).map((piece) => piece.text)).toEqual(['forbidden', '(403)']);
  expect(pieces[0]?.text).toMatch(/^before before/);
  expect(excerpt('not a token: no token', 'no').findLast(({ isHit }) => isHit)?.text).toBe('no');
  expect(excerpt('set --hold to 5', '--hold').find(({ isHit }) => isHit)?.text).toBe('--hold');
  expect(excerpt('nothing of it', 'absent')).toEqual([{ text: 'nothing of it', isHit: false }]);
});
