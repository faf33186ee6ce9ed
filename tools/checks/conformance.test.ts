import { describe, expect, test } from 'vitest';
import { conformance, isMissing, itemsIn, titlesOf } from './conformance-items.ts';
import { readConformance } from './conformance.ts';

test('every item of the conformance list has a test that names it or an entry that explains a difference', () => {
  expect(
    readConformance()
      .filter(isMissing)
      .map(({ item }) => item),
  ).toEqual([]);
});

test('a title names items as words of their own', () => {
  expect(itemsIn('C40 E11 a scale set keeps it (W-C4, checklist 9, 3.C2, EC2, C123)')).toEqual([
    'C40',
    'E11',
  ]);
  expect(itemsIn('C3, C6 is read; E2: it goes')).toEqual(['C3', 'C6', 'E2']);
});

test('titles are the first strings of test, it and describe, tables included, and no other strings', () => {
  const source = [
    "test('C1 one', () => {",
    '  it.each([[1], [2]])(`C2 two`, () => {',
    '  it.each([',
    "    ['C9 a row', 1],",
    "  ])('C3 three', () => {",
    "test.skipIf(missing)('C4 four', async () => {",
    "  expect(titles).toContain('C8 no title');",
    "describe('it\\'s C5', () => {",
    '// test(C7)',
  ].join('\n');
  expect(titlesOf(source).sort()).toEqual(['C1 one', 'C2 two', 'C3 three', 'C4 four', "it's C5"]);
});

describe('an item', () => {
  const report = (item: string, given: { tests?: string; page?: string }) =>
    conformance([{ path: 'a.test.ts', text: given.tests ?? '' }], given.page ?? '').find(
      (one) => one.item === item,
    )!;

  test('with neither a test nor an entry is missing, and with either is not', () => {
    expect(isMissing(report('C9', {}))).toBe(true);
    expect(report('C9', { tests: "it('C9 it is taken off', () => {" })).toMatchObject({
      tests: ['a.test.ts: C9 it is taken off'],
      explained: false,
    });
    expect(isMissing(report('C9', { tests: "it('C9 it is taken off', () => {" }))).toBe(false);
    expect(isMissing(report('C9', { page: '- **C9 the\n  finalizer.**\n  - Here: none' }))).toBe(false);
  });

  test('in prose, or later in an entry, does not count as explained', () => {
    expect(isMissing(report('C9', { page: 'C9 is this.\n- **Finalizer.**\n  - Why: **C9**' }))).toBe(true);
  });

  test('of a later issue is never missing', () => {
    expect(report('E26', {})).toMatchObject({ later: true, tests: [] });
    expect(isMissing(report('E26', {}))).toBe(false);
  });
});
