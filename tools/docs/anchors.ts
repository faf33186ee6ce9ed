// The anchors of a page, as GitHub names them; the site (tools/site) gives its headings the same ids.

/** The anchors of all headings of a page. A second heading of the same text gets `-1`, as on GitHub. */
export function anchorsIn(markdown: string): ReadonlySet<string> {
  const name = anchorNames();
  return new Set(
    [...withoutCode(markdown).matchAll(/^#{1,6} +(.+?)[ #]*$/gm)].map(([, text = '']) =>
      name(text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')),
    ),
  );
}

/** A function that names the anchors of one page: call it with the text of each heading, in order. */
export function anchorNames(): (heading: string) => string {
  const used = new Map<string, number>();
  return (heading) => {
    const anchor = heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    const before = used.get(anchor) ?? 0;
    used.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  };
}

/** The page without its code blocks, in which a line that begins with # is a comment. */
export const withoutCode = (markdown: string): string =>
  markdown.replaceAll(/^( *)(```|~~~)[\s\S]*?^\1\2[ \t]*$/gm, '');
