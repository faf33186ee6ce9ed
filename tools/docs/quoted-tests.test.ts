import { describe, expect, test } from 'vitest';
import { hasTest, quotedTests } from './quoted-tests.ts';

describe('the tests that a page names', () => {
  test('are found with their files, over several lines and in numbered lists', () => {
    const page = [
      '- An attack.',
      '  - Protection: something.',
      '  - Test: `a/b.test.ts`: the first one; the second, which',
      '    is long; `c.test.ts`: … and the third',
      '',
      '- 7: `d.test.ts`: the fourth',
      '- no list of tests: `e.test.ts`: not this',
    ].join('\n');
    expect(quotedTests(page)).toEqual([
      { file: 'a/b.test.ts', title: 'the first one' },
      { file: 'a/b.test.ts', title: 'the second, which is long' },
      { file: 'c.test.ts', title: '… and the third' },
      { file: 'd.test.ts', title: 'the fourth' },
    ]);
  });

  test('may be files without titles', () => {
    expect(quotedTests('- Test: `a.test.ts` and `b.test.ts`')).toEqual([]);
  });
});

describe('a title', () => {
  const source = `describe('a pod', () => { it("that isn't bound gets no token", f); it.each([['old', 1]])('%s of %i, and more', g); });`;

  test.each([
    "that isn't bound gets no token",
    'that isn’t bound gets no token',
    'that isn’t bound …',
    "a pod that isn't bound gets",
    '%s of %i, and more',
    '… of %i, and more',
    'old',
  ])('%s is there', (title) => {
    expect(hasTest(source, title)).toBe(true);
  });

  test.each(['that is bound gets no token', 'a pod of', 'new', "that isn't bound … a token"])(
    '%s is not',
    (title) => {
      expect(hasTest(source, title)).toBe(false);
    },
  );
});
