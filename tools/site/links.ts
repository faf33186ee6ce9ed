// Links of a page as the site needs them: those to other pages and to pictures stay, those to other files lead to the forge.
import { posix } from 'node:path';

export interface Targets {
  readonly isPage: (path: string) => boolean;
  readonly isFolder: (path: string) => boolean;
  /** The repository on the forge, such as https://github.com/owner/name. */
  readonly forge: string;
}

/** The address of the repository, of what package.json names as `repository.url`. */
export const forgeOf = (url: string): string => url.replace(/^git\+/, '').replace(/\.git$/, '');

const codeOrLink = /^( *)```[\s\S]*?^\1```[ \t]*$|`[^`\n]*`|\]\(([^)\s]+)\)/gm;

/** The page with its links rewritten; code is left alone. */
export const rewriteLinks = (path: string, text: string, targets: Targets): string =>
  text.replaceAll(codeOrLink, (found, _, link: string | undefined) =>
    link === undefined ? found : `](${rewriteLink(path, link, targets)})`,
  );

function rewriteLink(path: string, link: string, { isPage, isFolder, forge }: Targets): string {
  if (/^([a-z]+:|#)/.test(link)) return link;
  const [target = '', fragment] = link.split('#');
  const found = posix.normalize(posix.join(posix.dirname(path), target)).replace(/\/$/, '');
  const page = isFolder(found) && isPage(`${found}/README.md`) ? `${found}/README.md` : found;
  const anchor = fragment === undefined ? '' : `#${fragment}`;
  if (isPage(page)) return `${posix.relative(posix.dirname(path), page)}${anchor}`;
  if (/\.(png|svg)$/.test(found)) return link;
  return `${forge}/${isFolder(found) ? 'tree' : 'blob'}/main/${found}${anchor}`;
}
