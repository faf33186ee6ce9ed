import { expect, test } from 'vitest';
import { openingComment } from './components-list.ts';

test('the comment that a file begins with, in one line', () => {
  expect(openingComment('k.yaml', '# For a\n# cluster.\nkind: Component\n# Not this.\n')).toBe(
    'For a cluster.',
  );
});

test('a component without a comment is an error that names the file', () => {
  expect(() => openingComment('k.yaml', 'kind: Component\n')).toThrow(
    'k.yaml does not begin with a comment on what it is for',
  );
});
