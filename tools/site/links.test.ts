import { expect, test } from 'vitest';
import { forgeOf, rewriteLinks } from './links.ts';

const pages = ['docs/a.md', 'deploy/README.md', 'README.md'];
const targets = {
  isPage: (path: string) => pages.includes(path),
  isFolder: (path: string) => ['deploy', 'packages/mic'].includes(path),
  forge: 'https://example.com/owner/name',
};
const rewrite = (text: string) => rewriteLinks('docs/b.md', text, targets);

test.each([
  ['a page', '[a](a.md#part)', '[a](a.md#part)'],
  ['this page', '[up](#part)', '[up](#part)'],
  ['the web', '[web](https://example.com/x)', '[web](https://example.com/x)'],
  ['a folder with a page', '[deploy](../deploy)', '[deploy](../deploy/README.md)'],
  [
    'a folder without a page',
    '[mic](../packages/mic/)',
    '[mic](https://example.com/owner/name/tree/main/packages/mic)',
  ],
  [
    'a source file',
    '[`run`](../tools/run.ts)',
    '[`run`](https://example.com/owner/name/blob/main/tools/run.ts)',
  ],
  ['a line of it', '[x](../x.ts#L3)', '[x](https://example.com/owner/name/blob/main/x.ts#L3)'],
  ['a picture', '![page](page.png)', '![page](page.png)'],
])('a link to %s leads somewhere from the site', (_, link, wanted) => {
  expect(rewrite(`See ${link}, or not.`)).toBe(`See ${wanted}, or not.`);
});

test('code is left alone', () => {
  const text = 'Write `[x](../x.ts)`:\n\n   ```md\n   [x](../x.ts)\n   ```\n';
  expect(rewrite(text)).toBe(text);
});

test('the address of the forge is what package.json names', () => {
  expect(forgeOf('git+https://example.com/owner/name.git')).toBe('https://example.com/owner/name');
});
