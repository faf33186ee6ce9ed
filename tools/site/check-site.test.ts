import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkSite } from './check-site.ts';

async function check(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-site-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return checkSite(folder);
}

test('a link to a page, to a heading, to itself and to the web is right', async () => {
  const links = ['docs/a.html', 'docs/a.html#b%C3%BC&amp;c', '#', '#top', 'https://example.com/'];
  const html = `<h1 id="top">x</h1>${links.map((link) => `<a class="x" href="${link}">y</a>`).join('')}`;
  expect(
    await check({ 'index.html': html, 'docs/a.html': '<p id="bü&amp;c"><a href="../index.html">up</a>' }),
  ).toEqual({
    pages: 2,
    problems: [],
  });
});

test('a link to a page or a heading that is not there is reported', async () => {
  const { problems } = await check({ 'docs/a.html': '<a href="gone.html">x</a><a href="#gone">y</a>' });
  expect(problems).toEqual([
    'docs/a.html: the link to gone.html leads nowhere',
    'docs/a.html: the link to #gone leads nowhere',
  ]);
});

test.each([
  '<script src="https://cdn.example.com/x.js"></script>',
  '<link rel="stylesheet" href="//cdn.example.com/x.css"/>',
  '<img alt="" src="https://example.com/x.png"/>',
  '<style>@import url("https://example.com/x.css")</style>',
  '<script defer src="gone.js"></script>',
])('what a page loads must be in the site: %s', async (html) => {
  const { problems } = await check({ 'index.html': html });
  expect(problems).toEqual([expect.stringMatching(/^index.html: loads \S+, which is not in the site$/)]);
});
