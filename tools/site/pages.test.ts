import { expect, test } from 'vitest';
import { isPage, parentOf, place } from './pages.ts';

test('a page stands under the index of its folder, an index under that of the folder above, a shelf at the top', () => {
  expect(parentOf('docs/administrator/quickstart.md')).toBe('docs/administrator/README.md');
  expect(parentOf('docs/administrator/runbooks/nmi.md')).toBe('docs/administrator/runbooks/README.md');
  expect(parentOf('docs/administrator/runbooks/README.md')).toBe('docs/administrator/README.md');
  expect(parentOf('docs/administrator/README.md')).toBeUndefined();
});

test('pages beside the parts stand on the shelf of who reads them', () => {
  expect(parentOf('deploy/monitoring/README.md')).toBe('docs/administrator/README.md');
  expect(parentOf('packages/kubectl/README.md')).toBe('docs/administrator/README.md');
  expect(parentOf('packages/imds-client/README.md')).toBe('docs/app-developer/README.md');
  expect(parentOf('CONTRIBUTING.md')).toBe('docs/contributor/README.md');
});

test('other Markdown is no page', () => {
  expect(['README.md', 'SECURITY.md', 'docs/reference/errors.md'].filter(isPage)).toHaveLength(3);
  expect(
    ['.changeset/x.md', 'packages/imds-client/CHANGELOG.md', 'packages/imds-client/api/index.api.md'].filter(
      isPage,
    ),
  ).toEqual([]);
});

test('pages come in the order in which their index links to them, others after them', () => {
  const page = (path: string, text = '') => ({ path, text: `# \`Title\` of ${path}\n${text}` });
  const index = page(
    'docs/reference/README.md',
    'See [b](b.md#part), [a](a.md), [b](b.md), [x](../../README.md).',
  );
  const [placed] = place([index, ...['a', 'b', 'c'].map((name) => page(`docs/reference/${name}.md`))]);
  expect(placed).toMatchObject({
    title: 'Title of docs/reference/README.md',
    children: ['docs/reference/b.md', 'docs/reference/a.md', 'docs/reference/c.md'],
  });
});

test('a page without a title is refused', () => {
  expect(() => place([{ path: 'docs/a.md', text: '```sh\n# comment\n```\n' }])).toThrow(
    'docs/a.md has no title',
  );
});
