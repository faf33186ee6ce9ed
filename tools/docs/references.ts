import { withoutCode } from './anchors.ts';

/** What exists, for a page's references. */
export interface Existing {
  /** A link's target, relative to the page. */
  linkExists(target: string): boolean;
  /** Whether a target has a heading of this anchor; the target '' is the page itself. */
  anchorExists(target: string, anchor: string): boolean;
  /** A path that the text names, relative to the repository. */
  pathExists(path: string): boolean;
}

/** A sentence for each broken link and each path that does not exist. */
export function brokenReferences(markdown: string, existing: Existing): string[] {
  const text = withoutCode(markdown);
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  const named = [...text.matchAll(/`((?:packages|tools|deploy|docs)\/[\w./-]+)`/g)].map(
    (match) => match[1] ?? '',
  );
  return [
    ...links
      .filter((link) => !/^(https?:|mailto:)/.test(link))
      .filter((link) => !leads(link, existing))
      .map((link) => `the link to ${link} leads nowhere`),
    ...named.filter((path) => !existing.pathExists(path)).map((path) => `there is no ${path}`),
  ];
}

function leads(link: string, existing: Existing): boolean {
  const [target = '', anchor] = link.split('#');
  if (target !== '' && !existing.linkExists(target)) return false;
  return anchor === undefined || existing.anchorExists(target, anchor);
}
