// Which Markdown files are pages of the site, and how they hang together: the four shelves of docs/, and under each the pages beside it.
import { posix } from 'node:path';
import { withoutCode } from '../docs/anchors.ts';

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface PlacedPage extends Page {
  readonly title: string;
  /** The pages below it, in the order in which it links to them. */
  readonly children: readonly string[];
}

export const home = 'README.md';
/** What the navigation begins with. */
export const shelves = [
  'docs/README.md',
  ...['administrator', 'app-developer', 'contributor', 'reference'].map((name) => `docs/${name}/README.md`),
  'CHANGELOG.md',
  'SECURITY.md',
] as const;

/** Pages outside docs/ by the shelf that they stand on. */
const beside: readonly (readonly [RegExp, string])[] = [
  [/^(deploy|charts|packages\/kubectl)\/.*README\.md$/, 'docs/administrator/README.md'],
  [/^packages\/[^/]+\/README\.md$/, 'docs/app-developer/README.md'],
  [/^(CONTRIBUTING\.md|tools\/.*README\.md)$/, 'docs/contributor/README.md'],
];

/** The page above this one; undefined at the top, and for a file that is no page of the site. */
export function parentOf(path: string): string | undefined {
  if (!path.startsWith('docs/')) return beside.find(([pattern]) => pattern.test(path))?.[1];
  const folder = posix.dirname(path);
  const above = posix.basename(path) === 'README.md' ? posix.dirname(folder) : folder;
  return above === 'docs' || above === '.' ? undefined : `${above}/README.md`;
}

export const isPage = (path: string): boolean =>
  path === home || shelves.some((one) => one === path) || parentOf(path) !== undefined;

export function place(pages: readonly Page[]): PlacedPage[] {
  return pages.map((page) => {
    const below = pages.filter(({ path }) => parentOf(path) === page.path).map(({ path }) => path);
    const linked = linksOf(page).filter((path) => below.includes(path));
    const rest = below.filter((path) => !linked.includes(path)).toSorted();
    return { ...page, title: titleOf(page), children: [...new Set([...linked, ...rest])] };
  });
}

function titleOf({ path, text }: Page): string {
  const heading = /^# +(.+)$/m.exec(withoutCode(text))?.[1];
  if (heading === undefined) throw new TypeError(`${path} has no title`);
  return heading.replaceAll('`', '').trim();
}

const linksOf = ({ path, text }: Page): string[] =>
  Array.from(withoutCode(text).matchAll(/\]\(([^)\s#]+)/g), ([, target = '']) =>
    posix.normalize(posix.join(posix.dirname(path), target)),
  );
