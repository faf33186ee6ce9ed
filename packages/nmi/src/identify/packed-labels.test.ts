import { expect, test } from 'vitest';
import { withPackedLabels } from './packed-labels.ts';

test('labels are kept as text, and read as they were', () => {
  const labels = { app: 'web', 'example.com/team': '', constructor: 'x' };
  const view = withPackedLabels({ name: 'a' }, labels);
  expect(view).toEqual({ name: 'a', labels });
  expect(Object.keys(view)).toEqual(['name', 'labels']);
  expect(Object.getOwnPropertyDescriptor(view, 'labels')?.value).toBeUndefined();
});
