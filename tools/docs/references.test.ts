import { expect, test } from 'vitest';
import { brokenReferences } from './references.ts';

const only = (...known: string[]) => ({
  linkExists: (target: string) => known.includes(target),
  anchorExists: (target: string, anchor: string) => known.includes(`${target}#${anchor}`),
  pathExists: (path: string) => known.includes(path),
});

test('a broken link is reported', () => {
  const page = 'See [a](a.md), [b](b.md) and [the web](https://example.com).';
  expect(brokenReferences(page, only('a.md'))).toEqual(['the link to b.md leads nowhere']);
});

test('a link to a heading that its page does not have is reported', () => {
  const page = 'See [a](a.md#part), [b](a.md#gone), [above](#above), [below](#below).';
  expect(brokenReferences(page, only('a.md', 'a.md#part', '#above'))).toEqual([
    'the link to a.md#gone leads nowhere',
    'the link to #below leads nowhere',
  ]);
});

test('a path in code style must exist; code blocks are ignored', () => {
  const page =
    'Read `packages/mic/src/term/loop.ts` and `tools/gone.ts`.\n```sh\ncat `packages/not-checked`\n```\n';
  expect(brokenReferences(page, only('packages/mic/src/term/loop.ts'))).toEqual([
    'there is no tools/gone.ts',
  ]);
});
