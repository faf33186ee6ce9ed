// Checks the built site: each link of each page leads to a page, and to a heading that it has; nothing is loaded from elsewhere.
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export async function checkSite(
  folder: string,
): Promise<{ readonly pages: number; readonly problems: string[] }> {
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.html'))
    .toSorted();
  const pages = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  const anchors = new Map([...pages].map(([name, html]) => [name, idsIn(html)]));
  const problems = [...pages].flatMap(([name, html]) => {
    const leads = (link: string): boolean => {
      const [target = '', fragment] = link.split('#').map((part) => decodeURIComponent(part));
      const path = target === '' ? name : relative('.', join(dirname(name), target));
      const ids = anchors.get(path);
      if (ids === undefined) return existsSync(join(folder, path));
      return fragment === undefined || fragment === '' || ids.has(fragment);
    };
    return [
      ...linksIn(html)
        .filter((link) => !isElsewhere(link) && !leads(link))
        .map((link) => `${name}: the link to ${link} leads nowhere`),
      ...loadedBy(html)
        .filter((link) => isElsewhere(link) || !leads(link.replace(/#.*/, '')))
        .map((link) => `${name}: loads ${link}, which is not in the site`),
    ];
  });
  return { pages: pages.size, problems };
}

/** What a page links to. */
const linksIn = (html: string): string[] =>
  Array.from(html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g), ([, link = '']) => unescaped(link));

/** What a page loads by itself: scripts, styles, pictures, and what a style of the page names. */
const loadedBy = (html: string): string[] =>
  [
    ...html.matchAll(/<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\ssrc="([^"]*)"/g),
    ...html.matchAll(/<(?:link|use)\b[^>]*?\shref="([^"]*)"/g),
    ...html.matchAll(/url\(\s*['"]?([^'")]+)/g),
  ].map(([, link = '']) => unescaped(link));

const idsIn = (html: string): ReadonlySet<string> =>
  new Set(Array.from(html.matchAll(/\sid="([^"]*)"/g), ([, id = '']) => unescaped(id)));

const isElsewhere = (link: string): boolean => /^([a-z]+:|\/\/)/i.test(link);

const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
