import { expect, test } from 'vitest';
import { brokenReferences } from './references.ts';

const only = (...known: string[]) => ({
  linkExists: (target: string) => known.includes(target),
  pathExists: (path: string) => known.includes(path),
});

test('a link that leads nowhere is named; one with a fragment is checked without it', () => {
  const page = 'See [a](a.md#part), [b](b.md) and [the web](https://example.com) or [above](#above).';
  expect(brokenReferences(page, only('a.md'))).toEqual(['the link to b.md leads nowhere']);
});

test('a path named in code style must exist; code blocks are left alone', () => {
  const page =
    'Read `packages/mic/src/term/loop.ts` and `tools/gone.ts`.\n```sh\ncat `packages/not-checked`\n```\n';
  expect(brokenReferences(page, only('packages/mic/src/term/loop.ts'))).toEqual([
    'there is no tools/gone.ts',
  ]);
});
