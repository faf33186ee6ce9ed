import { expect, test } from 'vitest';
import { parseUris } from './debian.ts';

const hash = '0'.repeat(64);

test('packages as apt names them, in the order of the question', () => {
  const printed = `'http://host/b_1.2-3_amd64.deb' b_1.2-3_amd64.deb 100 SHA256:${hash}\n'http://host/a_1%3a4_all.deb' a_1%3a4_all.deb 9 SHA256:${hash}\n`;
  expect(parseUris(printed, ['a', 'b'])).toEqual([
    { name: 'a', version: '1:4', file: 'a_1%3a4_all.deb', sha256: hash },
    { name: 'b', version: '1.2-3', file: 'b_1.2-3_amd64.deb', sha256: hash },
  ]);
});

test('a package that apt does not name is an error', () => {
  expect(() => parseUris('', ['a'])).toThrow('apt knows no package a');
});
