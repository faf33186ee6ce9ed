import { expect, test } from 'vitest';
import { brokenReferences } from './references.ts';

const only = (...known: string[]) => ({
  linkExists: (target: string) => known.includes(target),
  pathExists: (path: string) => known.includes(path),
});

test('a broken link is reported; a link is checked without its fragment', () => {
  const page = 'See [a](a.md#part), [b](b.md) and [the web](https://example.com) or [above](#above).';
  expect(brokenReferences(page, only('a.md'))).toEqual(['the link to b.md leads nowhere']);
});

test('a path in code style must exist; code blocks are ignored', () => {
  const page =
    'Read `packages/mic/src/term/loop.ts` and `tools/gone.ts`.\n```sh\ncat `packages/not-checked`\n```\n';
  expect(brokenReferences(page, only('packages/mic/src/term/loop.ts'))).toEqual([
    'there is no tools/gone.ts',
  ]);
});
