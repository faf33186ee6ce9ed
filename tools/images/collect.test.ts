import { expect, test } from 'vitest';
import { collectParts, createShelf, licencesOf } from './collect.ts';
import type { TarEntry } from './tar.ts';

const file = (path: string, text = ''): TarEntry => ({
  kind: 'file',
  path,
  mode: 0o644,
  content: Buffer.from(text),
});
const link = (path: string, target: string): TarEntry => ({ kind: 'link', path, target });

const shelf = createShelf([
  {
    name: 'one',
    entries: [file('sbin/tool'), link('usr/share/doc/one', 'two'), file('usr/lib/x86_64-linux-gnu/parts/a')],
  },
  {
    name: 'two',
    entries: [
      link('usr/lib/lib.so.1', 'lib.so.1.2'),
      file('usr/lib/lib.so.1.2'),
      file('usr/lib/x86_64-linux-gnu/parts/b'),
      file('usr/share/doc/two/copyright', 'free'),
    ],
  },
]);
const amd64 = { arch: 'amd64', have: new Set<string>() } as const;
const pathsOf = (files: readonly string[], options: object = {}) =>
  collectParts({ files, links: {}, ...options }, shelf, amd64).map(({ entry: { path } }) => path);

test('a file of /sbin is in /usr/sbin', () => {
  expect(pathsOf(['usr/sbin/tool'])).toEqual(['usr/sbin/tool']);
});

test('what a link leads to comes with it', () => {
  expect(pathsOf(['usr/lib/lib.so.1'])).toEqual(['usr/lib/lib.so.1', 'usr/lib/lib.so.1.2']);
});

test('a folder is taken from all packages', () => {
  expect(pathsOf(['usr/lib/TRIPLET/parts/'])).toEqual([
    'usr/lib/x86_64-linux-gnu/parts/a',
    'usr/lib/x86_64-linux-gnu/parts/b',
  ]);
});

test('what a lower layer has is not taken again', () => {
  const have = new Set(['usr/lib/lib.so.1.2']);
  const found = collectParts({ files: ['usr/lib/lib.so.1'], links: {} }, shelf, { arch: 'amd64', have });
  expect(found.map(({ entry }) => entry.path)).toEqual(['usr/lib/lib.so.1']);
});

test('a missing file, and a link that leads nowhere, are errors that name them', () => {
  expect(() => pathsOf(['usr/bin/none'])).toThrow('has /usr/bin/none');
  expect(() => pathsOf([], { links: { 'usr/sbin/a': 'b' } })).toThrow('/usr/sbin/a is a link to b');
});

test('the licence of each package comes with it, also if it is that of another package', () => {
  const owned = collectParts({ files: ['usr/sbin/tool'], links: {} }, shelf, amd64);
  expect(licencesOf(owned, shelf)).toEqual([
    { owner: 'one', entry: file('usr/share/doc/one/copyright', 'free') },
  ]);
});
