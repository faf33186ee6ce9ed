import { expect, test } from 'vitest';
import { pictureOf, withoutTimes } from './picture.ts';

test('times and counts are taken out', () => {
  const lines = [
    ' 13.3 s  8. Summary',
    '         Calls: ARM 9',
    '         First secret: 364 ms',
    'version 12 s',
  ];
  expect(withoutTimes(lines)).toEqual([
    '  8. Summary',
    '         Calls: ',
    '         First secret: ',
    'version 12 s',
  ]);
});

test('the picture ends before the step that is named, and text is escaped', () => {
  const picture = pictureOf(
    ['A <pod> & more.', '', '  1. Start', '         one', '', '  2. Then', '         two'],
    2,
  );
  expect(picture).toContain('A\u00A0&lt;pod&gt;\u00A0&amp;\u00A0more.');
  expect(picture).toContain('font-weight="bold">Start</tspan>');
  expect(picture).toContain('>\u00A0\u00A0\u00A0one</text>');
  expect(picture).not.toMatch(/Then|two/);
});
