import { expect, test } from 'vitest';
import { renderExport } from './export.tsx';
import { hostilePicture, largePicture, smallPicture } from '../../../test/pictures.ts';

const formats = ['html', 'svg'] as const;

test.each(formats)('the %s names every thing, its state and its reason', (format) => {
  const text = renderExport(smallPicture, format);
  for (const { name, state, about } of smallPicture.things)
    for (const part of [name, state, about]) expect(text).toContain(part);
  expect(text).toContain('https://cluster.example:6443');
});

test.each(formats)('attack: no name becomes markup in the %s, and it has no scripts', (format) => {
  const text = renderExport(hostilePicture, format);
  expect(text).not.toMatch(/<(script|img)|<svg onload|<!--/);
  if (format === 'svg') expect(text).not.toContain(']]>');
  expect(text).toContain('&lt;img src=x');
  expect(text).not.toMatch(/(?![\t\n\r])\p{Cc}|\u202e/u);
  expect(text.isWellFormed()).toBe(true);
});

test('the HTML says what could not be read', () => {
  expect(renderExport({ ...smallPicture, unknown: ['you may not list pods'] }, 'html')).toContain(
    'you may not list pods',
  );
});

test('5,000 pods are folded in the picture and complete in the table', () => {
  const picture = largePicture(5_000, 500);
  expect(renderExport(picture, 'svg').match(/class="box"/g)).toHaveLength(4 * 500 + 12);
  expect(renderExport(picture, 'html').match(/<tr/g)).toHaveLength(picture.things.length + 1);
});
