// What the search knows of a page: an entry for each heading, with the text below it.
import { anchorNames } from '../docs/anchors.ts';
import type { Entry } from './ranking.ts';

interface Source {
  readonly title: string;
  readonly text: string;
  /** From the root of the site. */
  readonly url: string;
  readonly shelf: string;
}

export function sectionsOf({ title, text, url, shelf }: Source): Entry[] {
  const name = anchorNames();
  const sections: { heading: string; url: string; lines: string[] }[] = [];
  let isCode = false;
  for (const line of text.split('\n')) {
    if (/^ *```/.test(line)) isCode = !isCode;
    const heading = isCode ? undefined : /^#{1,6} +(.+?)[ #]*$/.exec(line)?.[1];
    if (heading === undefined) sections.at(-1)?.lines.push(line);
    else {
      const anchor = name(plain(heading));
      const isFirst = sections.length === 0;
      sections.push({ heading: plain(heading), url: isFirst ? url : `${url}#${anchor}`, lines: [] });
    }
  }
  return sections.map(({ heading, url: at, lines }) => ({
    title: heading,
    page: title,
    shelf,
    url: at,
    text: plain(lines.join(' ')),
  }));
}

/** Markdown without its marks. */
const plain = (markdown: string): string =>
  markdown
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<!--.*?-->/g, '')
    .replaceAll(/\|?(?: *:?-{3,}:? *\|)+/g, ' ')
    .replaceAll(/```[a-z]*|[`*]|(?<!\\)\|/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
