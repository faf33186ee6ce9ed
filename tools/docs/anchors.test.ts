import { expect, test } from 'vitest';
import { anchorsIn } from './anchors.ts';

test('a heading has the anchor that GitHub gives it', () => {
  const page = [
    '# `--hold`: how long, and why?',
    '## The [right](permissions.md) to use_it — now',
    '## Übersicht',
    '### Closed ###',
  ].join('\n\n');
  expect([...anchorsIn(page)]).toEqual([
    '--hold-how-long-and-why',
    'the-right-to-use_it--now',
    'übersicht',
    'closed',
  ]);
});

test('the second heading of the same text is numbered', () => {
  expect([...anchorsIn('# Update\n## Update\n## update\n')]).toEqual(['update', 'update-1', 'update-2']);
});

test('a comment in a code block is no heading, also in a list', () => {
  expect([...anchorsIn('```sh\n# install\n```\n\n1. do\n\n   ```sh\n   # wait\n   ```\n\n## End\n')]).toEqual(
    ['end'],
  );
});
