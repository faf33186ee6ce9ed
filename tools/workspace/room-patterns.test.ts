import { matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { neverRules, pureExpressions, pureGlobs } from './room-patterns.mjs';

const rooms = [
  { folder: 'a/src', pure: 'all' as const },
  { folder: 'b/src', pure: ['one', 'deep/two'] },
  { folder: 'c/src', pure: { except: ['watch/door', 'main'] } },
  { folder: 'd/src', never: ['a/src', 'b/src/deep'] },
];

function judged(path: string): { expression: boolean; glob: boolean } {
  const { files, ignores } = pureGlobs(rooms);
  return {
    expression: pureExpressions(rooms).some((source) => new RegExp(source).test(path)),
    glob: files.some((glob) => matchesGlob(path, glob)) && !ignores.some((glob) => matchesGlob(path, glob)),
  };
}

test.each([
  ['a/src/x.ts', true],
  ['a/src/deep/x.ts', true],
  ['za/src/x.ts', false],
  ['b/src/one.ts', true],
  ['b/src/deep/two.ts', true],
  ['b/src/two.ts', false],
  ['b/src/one-more.ts', false],
  ['b/src/done.ts', false],
  ['c/src/x.ts', true],
  ['c/src/watch/x.ts', true],
  ['c/src/watch/door.ts', false],
  ['c/src/door.ts', true],
  ['c/src/main.ts', false],
  ['c/src/main-part.ts', true],
  ['d/src/x.ts', false],
])('dependency-cruiser and ESLint take %s alike: pure %s', (path, isPure) => {
  expect(judged(path)).toEqual({ expression: isPure, glob: isPure });
});

test('a room that must not import others has a rule for its files, except tests', () => {
  expect(neverRules(rooms, 'TEST')).toEqual([
    {
      name: 'room-d-src',
      severity: 'error',
      from: { path: '^d\\/src\\/', pathNot: 'TEST' },
      to: { path: '^(a\\/src|b\\/src\\/deep)\\/' },
    },
  ]);
});
